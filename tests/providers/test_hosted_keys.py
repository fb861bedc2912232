"""Where requests go, and which key goes along: addresses in every spelling, keys bound to their hosts."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from deepseek_v4_sdk.testing import script
from tests.providers.hosted import KINDS, Network, Talk

VARIABLES = sorted(
    {
        variable
        for name in PROVIDER_NAMES
        for variable in (*find_provider(name).data.key_variables, *find_provider(name).data.key_hints)
    }
)
NVIDIA = ("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY", "NVIDIA_INFERENCE_API_KEY")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*VARIABLES, "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
@pytest.mark.parametrize("base", ["http://localhost:8000", "http://localhost:8000/ai/nvidia", "https://[::1]:9"])
@pytest.mark.parametrize("provider", ["nvidia", "nim", "dynamo", "deepseek"])
def test_an_address_means_the_same_in_every_spelling(provider: str, base: str, ending: str) -> None:
    network = Network(flavor=provider, prefix="/ai/nvidia")
    Talk("sync", provider, network, base_url=base + ending, api_key="key", model="pro").models()
    path = "/models" if provider == "deepseek" else "/v1/models"
    assert network.urls == [f"GET {base}{path}"]


@pytest.mark.parametrize("ending", ["", "/", "/beta", "/beta/", "/v1"])
def test_deepseek_goes_to_its_beta_address_by_itself(ending: str) -> None:
    network = Network(script.text("x"), script.text("y"), flavor="deepseek")
    talk = Talk("sync", "deepseek", network, base_url=f"https://api.deepseek.com{ending}", api_key="k", model="pro")
    talk.chat()
    begun = {"role": "assistant", "content": "1, 2,", "prefix": True}
    talk.chat([{"role": "user", "content": "Count"}, begun])
    assert network.urls == [
        "POST https://api.deepseek.com/chat/completions",
        "POST https://api.deepseek.com/beta/chat/completions",
    ]


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("nvidia", "https://integrate.api.nvidia.com/v1/chat/completions"),
        ("deepseek", "https://api.deepseek.com/chat/completions"),
    ],
)
def test_hosted_providers_have_an_address(provider: str, url: str) -> None:
    network = Network(script.text("x"), flavor=provider)
    Talk("sync", provider, network, api_key="k", model="pro").chat()
    assert network.urls == [f"POST {url}"]


@pytest.mark.parametrize("provider", ["nim", "dynamo"])
def test_the_others_must_be_given_one(provider: str) -> None:
    with pytest.raises(ConfigurationError, match="no default address: give base_url"):
        DeepSeekV4(provider)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variable", NVIDIA)
def test_a_key_of_the_environment_goes_to_nvidias_host(
    variable: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "nvapi-from-the-environment")
    network = Network(script.text("x"), flavor="nvidia")
    Talk(kind, "nvidia", network, model="pro").chat()
    assert network.asked[0].headers["authorization"] == "Bearer nvapi-from-the-environment"


def test_the_first_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in reversed(NVIDIA):
        monkeypatch.setenv(variable, f"key-of-{variable}")
    network = Network(flavor="nvidia")
    Talk("sync", "nvidia", network).models()
    assert network.asked[0].headers["authorization"] == "Bearer key-of-NVIDIA_API_KEY"


FOREIGN = (
    "http://localhost:8000",
    "https://integrate.api.nvidia.com.example.org",
    "https://example.org/integrate.api.nvidia.com/v1",
    "https://api.nvcf.nvidia.com",
    "https://api.deepseek.com.evil.example",
)


@pytest.mark.parametrize("base", FOREIGN)
@pytest.mark.parametrize("provider", ["nvidia", "deepseek"])
def test_it_goes_to_no_foreign_address(provider: str, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "secret-of-the-environment")
    with pytest.raises(ConfigurationError, match=r"give api_key: keys from the environment do not go to ") as raised:
        DeepSeekV4(provider, base_url=base)
    assert "secret-of-the-environment" not in str(raised.value)
    network = Network(flavor=provider, prefix="/integrate.api.nvidia.com")
    Talk("sync", provider, network, base_url=base, api_key="given-by-hand").models()
    assert network.asked[0].headers["authorization"] == "Bearer given-by-hand"


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_a_provider_reads_its_own_variables_alone(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = find_provider(provider).data
    for variable in (*VARIABLES, "OPENAI_API_KEY"):
        if variable not in data.key_variables:
            monkeypatch.setenv(variable, f"secret-of-{variable}")
    base = data.base_url or "http://localhost:8000"
    if data.needs_key:
        with pytest.raises(ConfigurationError, match=f"{provider} needs a key"):
            DeepSeekV4(provider)
    else:
        network = Network(flavor=provider)
        Talk("sync", provider, network, base_url=base).models()
        assert "authorization" not in network.asked[0].headers


@pytest.mark.parametrize("provider", ["nvidia", "deepseek"])
def test_a_missing_key_names_the_variables(provider: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        DeepSeekV4(provider)
    for variable in find_provider(provider).data.key_variables:
        assert variable in str(raised.value)


@pytest.mark.parametrize("variable", ["NGC_API_KEY", "NGC_CLI_API_KEY"])
def test_a_registry_key_is_not_taken_and_told_apart(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "nvapi-registry-key")
    with pytest.raises(ConfigurationError) as raised:
        DeepSeekV4("nvidia")
    assert f"{variable} is set, which pulls containers" in str(raised.value)
    assert "build.nvidia.com" in str(raised.value)
    assert "nvapi-registry-key" not in str(raised.value)


@pytest.mark.parametrize(("provider", "variable"), [("nim", "NIM_API_KEY"), ("dynamo", "DYNAMO_API_KEY")])
def test_a_gateways_key_goes_to_the_given_address(
    provider: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "key-of-the-gateway")
    network = Network(flavor=provider)
    Talk("sync", provider, network, base_url="http://gateway").models()
    assert network.asked[0].headers["authorization"] == "Bearer key-of-the-gateway"
