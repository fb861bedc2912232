"""Tests of counted prompts: exact, cheap when a conversation goes on, and honest about what they are."""
