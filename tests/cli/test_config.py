"""`deepseek-v4 config`: explain, schema, init, trust and untrust."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.client.base import ClientArguments
from deepseek_v4_sdk.config import TEMPLATE, json_schema, user_file
from tests.support.commands import complaint, run

KEY = "canary-key-77aa"
FILE = """\
default = "prod"
[profiles.prod]
provider = "vllm"
base_url = "http://localhost:8000"
api_key_env = "PROD_KEY"
[profiles.prod.timeout]
first_event = 900
"""


def test_explain(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("deepseek_v4.toml").absolute()
    file.write_text(FILE, "utf-8")
    monkeypatch.setenv("PROD_KEY", KEY)
    shown = run("config", "explain", "--model", "mine").stdout
    assert shown.splitlines()[0] == "profile  prod (default of the file)"
    assert f"api_key_env, profile prod, {file}:5" in shown
    told = json.loads(run("config", "explain", "--model", "mine", "--json").stdout)
    values = {value["name"]: (value["value"], value["origin"]) for value in told["values"]}
    assert values["model"] == ("mine", "argument")
    assert values["timeout.first_event"] == ("900 s", f"profile prod, {file}:7")
    assert values["api_key"][0] == "********"
    assert KEY not in shown + json.dumps(told)


def test_explain_without_a_file() -> None:
    assert "mock" in run("config", "explain", "--provider", "mock").stdout


def test_a_key_in_the_file_is_warned_about_in_one_line() -> None:
    Path("deepseek_v4.toml").write_text(FILE.replace('api_key_env = "PROD_KEY"', f'api_key = "{KEY}"'), "utf-8")
    result = run("config", "explain")
    (line,) = result.stderr.splitlines()
    assert line.startswith("deepseek-v4: warning: ")
    assert "holds a key" in line
    assert KEY not in result.stdout + result.stderr


def test_init_writes_a_file_that_works_and_never_over_another() -> None:
    assert run("config", "init").stdout == "deepseek_v4.toml is written; see: deepseek-v4 config explain\n"
    file = Path("deepseek_v4.toml")
    assert file.read_text("utf-8") == TEMPLATE
    assert file.stat().st_mode & 0o077 == 0
    assert "owls" in run("chat", "owls").stdout
    assert DeepSeekV4.from_profile("prod").base_url == "http://localhost:8000"
    file.write_text("mine", "utf-8")
    assert complaint("config", "init") == "deepseek_v4.toml is there already: --force writes over it"
    assert file.read_text("utf-8") == "mine"
    run("config", "init", "--force")
    assert file.read_text("utf-8") == TEMPLATE


def test_init_elsewhere() -> None:
    run("config", "init", "deeper/mine.toml")
    assert Path("deeper/mine.toml").read_text("utf-8") == TEMPLATE
    told = json.loads(run("config", "init", "deeper", "--json").stdout)
    assert Path(told["path"]) == Path("deeper/deepseek_v4.toml")
    run("config", "init", "--user")
    assert user_file().read_text("utf-8") == TEMPLATE
    assert "--user were both given" in complaint("config", "init", "x.toml", "--user")
    Path("file").touch()
    assert complaint("config", "init", "file/x.toml").startswith("file/x.toml cannot be written: ")


def test_every_remark_of_the_template_is_a_setting_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that stand behind a mark are right as well."""
    lines = [line.removeprefix("# ") if " = " in line else line for line in TEMPLATE.splitlines()]
    commented = [line for line in lines if not line.startswith("#") and " = " in line]
    assert len(commented) > len([line for line in TEMPLATE.splitlines() if " = " in line and line[0] != "#"]) + 5
    checker = jsonschema.Draft202012Validator(json_schema())
    for setting in map(tomllib.loads, commented):
        tables = ({"p": setting}, {"p": {"timeout": setting}}, {"p": {}})
        assert any(
            checker.is_valid({"profiles": table, **(setting if table == {"p": {}} else {})}) for table in tables
        ), setting


def test_schema() -> None:
    schema = json.loads(run("config", "schema").stdout)
    assert schema == json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    for text in (FILE, TEMPLATE):
        checker.validate(tomllib.loads(text))
    for wrong in ('provider = "vlm"', "max_retries = -1", 'thinkin = "low"', "timeout = { idel = 5 }", "timeout = 0"):
        assert list(checker.iter_errors({"profiles": {"p": tomllib.loads(wrong)}})), wrong
    known = schema["$defs"]["Profile"]["properties"]
    assert all(entry["description"] for entry in known.values())
    objects = {"http_client", "hooks", "catalogue", "prices", "spend"}
    assert set(ClientArguments.__annotations__) - objects <= set(known)


def test_explain_shows_trust_and_runs_no_command() -> None:
    file = Path("deepseek_v4.toml").absolute()
    file.write_text(FILE.replace('api_key_env = "PROD_KEY"', "api_key_command = 'touch ran'"), "utf-8")
    shown = run("config", "explain").stdout
    assert f"trust    missing for api_key_command: deepseek-v4 config trust {file}\n" in shown
    run("config", "trust")
    assert "trust    given: deepseek-v4 config trust\n" in run("config", "explain").stdout
    assert json.loads(run("config", "explain", "--config", str(file), "--json").stdout)["trust"].startswith(
        "not needed"
    )
    assert not Path("ran").exists()


@pytest.mark.parametrize("command", [("chat", "Hi"), ("models",), ("doctor",), ("context", ".")])
def test_without_trust_no_command_uses_the_file(command: tuple[str, ...]) -> None:
    file = Path("deepseek_v4.toml").absolute()
    file.write_text(FILE.replace('api_key_env = "PROD_KEY"', "api_key_command = 'touch ran'"), "utf-8")
    said = complaint(*command, *(["--profile", "prod"] if command[0] == "context" else []))
    assert said == (
        f"{file}:5, profile 'prod': api_key_command needs your trust, for the file was found: read it, then run: "
        f"deepseek-v4 config trust {file}"
    )
    assert not Path("ran").exists()


def test_trust_shows_what_it_allows_and_untrust_takes_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("deepseek_v4.toml").absolute()
    more = f'proxy = "http://me:{KEY}@localhost:1"\ndefault_headers = {{ x = "{KEY}" }}\n[profiles.prod.timeout]'
    file.write_text(FILE.replace("[profiles.prod.timeout]", more), "utf-8")
    monkeypatch.setenv("PROD_KEY", KEY)
    result = run("config", "trust")
    assert KEY not in result.stdout
    assert result.stdout.splitlines() == [
        '  prod: api_key_env = "PROD_KEY"',
        "  prod: proxy = ********",
        "  prod: default_headers = ********",
        f"{file} is trusted, until what needs trust in it changes",
    ]
    DeepSeekV4.from_profile()
    assert run("config", "untrust").stdout == f"{file} is trusted no more\n"
    assert run("config", "untrust", str(file)).stdout == f"{file} was not trusted\n"
    assert "api_key_env, proxy, default_headers need your trust" in complaint("chat", "Hi")
    told = json.loads(run("config", "trust", ".", "--json").stdout)
    assert told["settings"][0] == {"profile": "prod", "setting": "api_key_env"}
    assert json.loads(run("config", "untrust", "--json").stdout) == {"path": str(file), "trusted": False}


def test_what_cannot_be_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint("config", "trust", "gone.toml").startswith("there is no file gone.toml")
    assert complaint("config", "trust").startswith("there is no deepseek_v4.toml in ")
    user_file().parent.mkdir(parents=True)
    user_file().write_text(FILE, "utf-8")
    assert "needs no trust" in complaint("config", "trust")
    Path("deepseek_v4.toml").write_text("[profiles", "utf-8")
    assert "is not valid TOML" in complaint("config", "trust")


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such owners there")
def test_the_file_of_another_user_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("deepseek_v4.toml").absolute()
    file.write_text(FILE, "utf-8")
    for name in ("config.owners", "cli.config"):
        monkeypatch.setattr(f"deepseek_v4_sdk.{name}.name_of", lambda _: "mallory\x1b[2J")
    monkeypatch.setattr("deepseek_v4_sdk.cli.config.is_ones_own", lambda _: False)
    name = "mallory\N{SYMBOL FOR ESCAPE}[2J"
    asked = f"{file} belongs to {name}, a user that can change it. Trust it? [y/N]:"
    told = run("config", "trust", "--json", stdin="", code=2)
    assert told.stdout.strip() == ""
    assert told.stderr.startswith(asked)
    assert ": --yes trusts it all the same\n" in told.stderr
    assert "\x1b" not in told.stderr
    assert run("config", "trust", stdin="n\n", code=130).stderr.startswith(asked)
    assert "was not trusted" in run("config", "untrust").stdout
    assert "is trusted, until" in run("config", "trust", stdin="y\n").stdout
    run("config", "untrust")
    assert "is trusted, until" in run("config", "trust", "--yes").stdout


def test_init_writes_also_where_trust_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    result = run("config", "init")
    assert "deepseek_v4.toml is written" in result.stdout
    assert "the stored trust in" in result.stderr or "cannot be written" in result.stderr


def test_init_trusts_what_it_wrote() -> None:
    run("config", "init")
    assert "given" not in run("config", "untrust").stdout
    run("config", "init", "--force")
    assert run("config", "untrust").stdout.endswith("is trusted no more\n")
