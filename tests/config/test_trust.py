"""Files of profiles that are found by their place: what they may set, what needs trust, and how long that holds."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, errors
from deepseek_v4_sdk.config import trust as kept_trust
from deepseek_v4_sdk.config import user_file
from deepseek_v4_sdk.config.schema import FileContent, Profile
from deepseek_v4_sdk.config.trust import FREE, needs_trust
from tests.support.seen import Seen, key_sent, trust

if TYPE_CHECKING:
    from pathlib import Path

KEY = "canary-key-31f0"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a file is found from the working directory."""
    folder = tmp_path / "work"
    (folder / "deeper").mkdir(parents=True)
    monkeypatch.chdir(folder / "deeper")
    return folder / "deepseek_v4.toml"


def write(file: Path, lines: str, more: str = "") -> None:
    file.write_text(f'default = "p"\n[profiles.p]\n{lines}\n{more}', "utf-8")


def refusal(**arguments: str) -> str:
    """What is said of a file that is found."""
    with pytest.raises(errors.ConfigurationError) as caught:
        DeepSeekV4.from_profile(**arguments)  # type: ignore[arg-type]
    return str(caught.value)


def leaves_a_mark(file: Path) -> str:
    """A command that leaves a mark, and the setting for it."""
    return f"api_key_command = ['{sys.executable}', '-c', '''open(r\"{file.parent / 'ran'}\", \"w\"); print(5)''']"


FREE_PROFILE = """
provider = "vllm"
base_url = "http://localhost:8000"
model = "m"
thinking = "low"
timeout = { idle = 5 }
max_retries = 1
limits = { concurrency = 4 }
balance = "sticky"
fallback = ["nim", "mock"]
[profiles.nim]
provider = "nim"
engine = "vllm"
endpoints = ["http://127.0.0.1:1", "http://[::1]:2/v1"]
[profiles.mock]
provider = "mock"
flavor = "sglang"
[profiles.never-used]
provider = "vllm"
base_url = "https://elsewhere.example"
[[models]]
provider = "nvidia"
id = "mine"
family = "pro"
generation = "2026-08"
"""


@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_what_is_free_needs_no_trust(file: Path, kind: type[DeepSeekV4 | AsyncDeepSeekV4]) -> None:
    """Only the profile that is used, and its fallbacks, are judged."""
    write(file, FREE_PROFILE)
    client = kind.from_profile()
    assert client.base_url == "http://localhost:8000"
    assert str(client.explain().trust).startswith("not needed: a file that was found may set all that is used here")


@pytest.mark.parametrize(
    "line",
    [
        'api_key_env = "HOME"',
        'api_key_file = "/etc/hostname"',
        'api_key_command = "printenv HOME"',
        'api_key = "x"',
        'default_headers = { Host = "elsewhere.example" }',
        'proxy = "http://localhost:3128"',
        'ca_bundle = "ca.pem"',
        'transport = "aiohttp"',
        "strict_model = false",
        'server_version = "0.33.0"',
        "session_affinity = false",
        'endpoints = ["http://localhost:1", "http://elsewhere.example"]',
    ],
)
@pytest.mark.filterwarnings("ignore:.*holds a key:UserWarning")
def test_every_other_setting_needs_it(file: Path, line: str) -> None:
    name = line.partition(" ")[0]
    place = "" if name == "endpoints" else 'base_url = "http://localhost:1"\n'
    write(file, f'provider = "vllm"\n{place}{line}')
    said = refusal()
    assert said.startswith(f"{file}:{5 if place else 4}, profile 'p': {name} needs your trust, for the file was found:")
    assert said.endswith(f"run: deepseek-v4 config trust {file}")


def test_a_setting_that_is_added_later_needs_it() -> None:
    """What is free is a list, and what is not on it needs trust."""
    assert {name for name in Profile.model_fields if not needs_trust(name, "http://localhost:1")} == {
        *FREE & Profile.model_fields.keys(),
        "base_url",
        "endpoints",
    }
    assert needs_trust("something_new", "http://localhost:1")
    (found,) = kept_trust.privileged({"default": "p", "profiles": {}, "models": [], "something_new": 1})
    assert (found.profile, found.key) == (None, "something_new")
    assert {"default", "profiles", "models"} == set(FileContent.model_fields)


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example",
        "http://localhost.elsewhere.example",
        "http://127.0.0.1.elsewhere.example",
        "http://localhost.",
        "http://127.1",
        "http://0.0.0.0:8000",
        "http://[::]:8000",
        "http://[::ffff:127.0.0.1]",
        "http://2130706433",
        "http://128.0.0.1",
        "http://localhosț",
        "http://10.0.0.1",
    ],
)
def test_an_address_that_is_not_literally_this_machine_needs_it(file: Path, address: str) -> None:
    write(file, f'provider = "vllm"\nbase_url = "{address}"')
    assert "base_url needs your trust" in refusal()


@pytest.mark.parametrize(
    "address", ["http://LOCALHOST:1/v1", "https://localhost", "http://127.250.0.9", "http://[::1]"]
)
def test_an_address_that_is(file: Path, address: str) -> None:
    write(file, f'provider = "vllm"\nbase_url = "{address}"')
    DeepSeekV4.from_profile()


@pytest.mark.parametrize(
    "address", ["http://localhost@elsewhere.example", "http://elsewhere.example\\\\@localhost", "x"]
)
def test_an_address_that_no_client_takes_is_a_mistake(file: Path, address: str) -> None:
    write(file, f'provider = "vllm"\nbase_url = "{address}"')
    assert refusal().startswith(f"{file}:4, profile 'p': base_url ")


def test_all_that_needs_trust_is_named_at_once_also_of_a_fallback(file: Path) -> None:
    write(
        file,
        'provider = "mock"\nfallback = ["q"]\nstrict_model = true',
        'proxy = "http://a:1"\n[profiles.q]\nprovider = "mock"\nproxy = "http://b:2"\n',
    )
    assert "strict_model, proxy need your trust" in refusal()
    DeepSeekV4.from_profile(strict_model=False, proxy=None, fallback=[])  # what the caller gives is not the file's
    assert "proxy needs your trust" in refusal(strict_model=False, proxy=None)  # type: ignore[arg-type]


def test_a_key_that_the_caller_gives_does_not_make_an_address_trusted(file: Path) -> None:
    write(file, f'provider = "vllm"\nbase_url = "http://elsewhere.example"\n{leaves_a_mark(file)}')
    assert "base_url needs your trust" in refusal(api_key=KEY)


def test_no_command_runs_and_no_key_leaves_before_there_is_trust(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    write(file, f'provider = "mock"\n{leaves_a_mark(file)}')
    refusal()
    told = DeepSeekV4.explain_profile()
    assert told["api_key"].value == "********"
    assert told.trust == f"missing for api_key_command: deepseek-v4 config trust {file}"
    assert f"trust    {told.trust}" in str(told)
    trust(file)
    assert DeepSeekV4.explain_profile().trust == "given: deepseek-v4 config trust"
    assert not (file.parent / "ran").exists()
    DeepSeekV4.from_profile()
    assert (file.parent / "ran").exists()


def test_explaining_opens_no_file_of_a_key(file: Path) -> None:
    """It may be a pipe, which would be waited for, or have no end."""
    write(file, f'provider = "mock"\napi_key_file = "{(file.parent / "gone").as_posix()}"')
    told = DeepSeekV4.explain_profile()
    assert told["api_key"].value == "asked for at each request"
    assert str(told.trust).startswith("missing for api_key_file")


@pytest.mark.skipif(sys.platform == "win32", reason="a program is looked for in another way there")
def test_a_command_runs_where_its_file_is(file: Path) -> None:
    """A program of the same name below it was not trusted."""
    for folder in (file.parent, file.parent / "deeper"):
        program = folder / "get-key"
        program.write_text(f"#!/bin/sh\necho key-of-{folder.name}\n", "utf-8")
        program.chmod(0o755)
    write(file, 'provider = "vllm"\nbase_url = "http://localhost:8000"\napi_key_command = "./get-key"')
    trust(file)
    seen = Seen()
    with DeepSeekV4.from_profile(http_client=seen.client()._arguments["http_client"]) as client:
        client.health()
    assert seen.key == "key-of-work"


def test_a_file_that_is_named_is_trusted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its mode: a container or a service names its file."""
    write(file, f'provider = "mock"\n{leaves_a_mark(file)}')
    file.chmod(0o666)
    assert str(DeepSeekV4.from_profile(path=file).explain().trust).startswith("not needed: the file is named")
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(file))
    DeepSeekV4.from_profile()
    monkeypatch.delenv("DEEPSEEK_V4_CONFIG")
    user_file().parent.mkdir(parents=True)
    file.rename(user_file())
    DeepSeekV4.from_profile()


PRIVILEGED = 'provider = "vllm"\nbase_url = "http://localhost:8000"\napi_key_env = "MINE"'


def test_trust_holds_until_what_needs_it_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", KEY)
    write(file, PRIVILEGED)
    trust(file)
    assert "default" in str(DeepSeekV4.from_profile().explain()["timeout.idle"].origin)
    write(file, f'# a remark\n{PRIVILEGED}\nthinking = "low"\ntimeout = 5', '[profiles.q]\nprovider = "mock"\n')
    DeepSeekV4.from_profile()
    for changed in (
        PRIVILEGED.replace("MINE", "HOME"),
        PRIVILEGED.replace("8000", "9000"),  # where the key goes
        PRIVILEGED.replace("vllm", "sglang"),
        f'{PRIVILEGED}\nproxy = "http://localhost:1"',
    ):
        write(file, changed)
        assert "the file has changed since you trusted it: read it" in refusal()
    write(file, PRIVILEGED)
    DeepSeekV4.from_profile()


def test_trust_is_in_a_path(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINE", KEY)
    write(file, PRIVILEGED)
    trust(file)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    copy = other / "deepseek_v4.toml"
    write(copy, PRIVILEGED)
    assert "for the file was found" in refusal()
    copy.unlink()
    copy.symlink_to(file)
    DeepSeekV4.from_profile()  # the same file
    assert kept_trust.withdraw(copy)
    assert "for the file was found" in refusal()
    assert not kept_trust.withdraw(copy)


def kept() -> Path:
    return kept_trust._place()


def test_what_is_kept_is_its_owners_and_holds_no_value(file: Path) -> None:
    write(file, f'provider = "mock"\nproxy = "http://me:{KEY}@localhost"')
    trust(file)
    assert kept().stat().st_mode & 0o077 == 0
    assert KEY not in kept().read_text("utf-8")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"form": 2, "files": {}}', "\xff", "[" * 100_000])
def test_a_broken_record_of_trust_is_told(file: Path, content: str) -> None:
    write(file, PRIVILEGED)
    kept().parent.mkdir(parents=True)
    kept().write_bytes(content.encode("latin-1"))
    assert refusal() == f"the stored trust in {kept()} is broken: delete it, and trust your files again"


def test_an_entry_that_makes_no_sense_is_trust_in_nothing(file: Path) -> None:
    write(file, PRIVILEGED)
    kept().parent.mkdir(parents=True)
    kept().write_text(f'{{"form": 1, "files": {{"{file}": {{"owner": "me", "digest": 5}}}}}}', "utf-8")
    assert "for the file was found" in refusal()


def test_without_a_home_nothing_in_the_working_directory_takes_its_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_state_path", lambda *_, **__: file.parent.relative_to(file.parent) / "~")
    write(file, PRIVILEGED)
    assert "there is no home folder to keep trust in: set HOME or XDG_STATE_HOME" in refusal()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes there")
class TestOwners:
    """Who may write into a file that is found. Another user is a number that this process takes for its own."""

    def test_others_may_not_write(self, file: Path) -> None:
        write(file, 'provider = "mock"')
        for mode in (0o666, 0o602, 0o646):
            file.chmod(mode)
            said = f"{file} was found, and others can write into it: read it, then run: chmod go-w {file}"
            assert refusal() == said
            with pytest.raises(errors.ConfigurationError, match="others can write into it"):
                trust(file)
        file.chmod(0o644)
        DeepSeekV4.from_profile()

    def test_the_file_of_another_user(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(file, 'provider = "mock"')
        monkeypatch.setattr("deepseek_v4_sdk.config.owners.is_ones_own", lambda owner: owner == 4_000_000)
        said = refusal()
        assert said.startswith(f"{file} was found, and belongs to ")
        assert said.endswith(f"run: deepseek-v4 config trust {file}")

    def test_the_file_of_another_user_may_be_trusted_on_purpose(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(file, 'provider = "mock"')
        monkeypatch.setattr("deepseek_v4_sdk.config.owners.owner_of", lambda _: 0)
        number = file.stat().st_ino
        of_file = _Rights(4_000_000, 4_000_000)

        def rights_of(descriptor: int) -> object:
            really = os.fstat(descriptor)
            return of_file if really.st_ino == number else really

        monkeypatch.setattr("deepseek_v4_sdk.config.owners.rights_of", rights_of)
        assert f"{file} was found, and belongs to user 4000000" in refusal()
        trust(file)
        DeepSeekV4.from_profile()
        of_file = _Rights(4_000_001, 4_000_000)  # now it is a third one's
        assert "belongs to user 4000001" in refusal()
        of_file = _Rights(4_000_000, 4_000_000, 0o664)
        assert "others can write into it: it belongs to user 4000000, so copy it to your own folder" in refusal()

    def test_a_link_of_another_user(self, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        target = tmp_path / "target.toml"
        write(target, 'provider = "mock"')
        file.symlink_to(target)
        DeepSeekV4.from_profile()
        folder = {file: 4_000_000}
        monkeypatch.setattr("deepseek_v4_sdk.config.owners.owner_of", lambda path: folder.get(path, os.geteuid()))
        assert "is a link of another user: remove it" in refusal()

    def test_it_is_not_looked_for_in_a_folder_of_another_owner(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(file, 'provider = "mock"')
        monkeypatch.setattr(
            "deepseek_v4_sdk.config.owners.owner_of", lambda folder: 4_000_000 if folder == file.parent else 5
        )
        assert refusal().startswith("there is no deepseek_v4.toml in ")

    @pytest.mark.parametrize("mark", [".git", ".hg"])
    def test_it_is_looked_for_up_to_the_root_of_the_repository(self, file: Path, mark: str) -> None:
        write(file, 'provider = "mock"')
        (file.parent / mark).mkdir()
        DeepSeekV4.from_profile()
        (file.parent / "deeper" / mark).touch()  # a worktree has a file
        assert refusal().startswith("there is no deepseek_v4.toml in ")

    def test_it_is_looked_for_up_to_the_home_folder(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(file, 'provider = "mock"')
        monkeypatch.setenv("HOME", str(file.parent))
        DeepSeekV4.from_profile()
        monkeypatch.setenv("HOME", str(file.parent / "deeper"))
        assert refusal().startswith("there is no deepseek_v4.toml in ")

    def test_a_pipe_is_not_waited_for(self, file: Path) -> None:
        os.mkfifo(file)
        assert refusal().startswith("there is no deepseek_v4.toml in ")

    def test_a_record_of_trust_that_others_can_write_is_not_believed(self, file: Path) -> None:
        write(file, PRIVILEGED)
        trust(file)
        kept().chmod(0o666)
        assert refusal() == f"the stored trust in {kept()} could be written by others: delete it"

    def test_where_owners_are_not_looked_at_trust_is_needed_all_the_same(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on Windows."""
        monkeypatch.setattr("deepseek_v4_sdk.config.owners.user", lambda: None)
        monkeypatch.setenv("MINE", KEY)
        write(file, PRIVILEGED)
        file.chmod(0o666)
        assert "api_key_env needs your trust" in refusal()
        trust(file)
        assert DeepSeekV4.from_profile().explain()["api_key"].value == "********"


class _Rights:
    def __init__(self, owner: int, group: int, mode: int = 0o644) -> None:
        self.st_uid, self.st_gid, self.st_mode = owner, group, stat.S_IFREG | mode


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such groups there")
@pytest.mark.parametrize(
    ("group", "mode", "may"),
    [
        (1001, 0o664, False),  # ann's private group
        (1002, 0o664, True),  # that of bob
        (1003, 0o664, True),  # a team's
        (1003, 0o644, False),
        (1001, 0o666, True),
        (1004, 0o664, True),  # has ann's name, and somebody else in it
    ],
)
def test_a_private_group_may_write(monkeypatch: pytest.MonkeyPatch, group: int, mode: int, may: bool) -> None:
    import grp
    import pwd
    from types import SimpleNamespace

    from deepseek_v4_sdk.config import owners

    people = {1001: ("ann", 1001), 1002: ("bob", 1002), 1004: ("eve", 1004)}
    groups = {1001: ("ann", ["ann"]), 1002: ("bob", []), 1003: ("team", ["ann"]), 1004: ("eve", ["bob"])}

    def person(number: int) -> object:
        name, gid = people[number]
        return SimpleNamespace(pw_name=name, pw_gid=gid)

    def members(number: int) -> object:
        name, those = groups[number]
        return SimpleNamespace(gr_gid=number, gr_name=name, gr_mem=those)

    monkeypatch.setattr(pwd, "getpwuid", person)
    monkeypatch.setattr(grp, "getgrgid", members)
    monkeypatch.setattr(owners, "user", lambda: 1001)
    assert owners.others_may_write(_Rights(1001, group, mode)) is may
    monkeypatch.setattr(owners, "user", lambda: 1004)
    assert owners.others_may_write(_Rights(1001, 1001, 0o664)) is False  # the owner's own
    assert owners.others_may_write(_Rights(1004, 1004, 0o664)) is True
    monkeypatch.setattr(owners, "user", lambda: 5)  # somebody without a name
    assert owners.others_may_write(_Rights(5, 5, 0o664)) is True


def test_a_key_of_the_environment_does_not_follow_a_found_address(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's own variable is read for the address that the caller chose."""
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    write(file, 'provider = "vllm"\nbase_url = "https://elsewhere.example"')
    assert "base_url needs your trust" in refusal()
    assert key_sent("vllm") == KEY
