"""The marker `deepseek_v4`, in tests of its own: mocks, cassettes that are played and recorded, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.testing import MockProvider, read_cassette, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.replay.programs import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

# The runs are inside this process, whose own guard must not do the work of the one that is tested.
pytestmark = pytest.mark.usefixtures("allow_network")

HEAD = """
import pytest
from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import Recorder, faults, script
"""


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    """Run these tests with our plugin only: others would be loaded anew each time, which takes seconds."""
    pytester.makepyfile(test_it=HEAD + source)
    plugins = ("-p", "deepseek_v4_sdk.pytest_plugin", "-p", "no:cacheprovider")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_inprocess(*plugins, "-q", *options)


MOCKS = """
pytestmark = pytest.mark.deepseek_v4(flavor="sglang", window=5000)

@pytest.mark.deepseek_v4(script=script.think("Hm.") + script.text("Hello"))
def test_one_step(deepseek_v4_provider):
    assert deepseek_v4_provider.data.name == "sglang"
    client = DeepSeekV4(deepseek_v4_provider)
    assert client.chat("Hi").reasoning == "Hm."
    assert client.models()[0].context_window == 5000

@pytest.mark.deepseek_v4(script=[faults.status(503), script.text("At last.")], flavor="nim")
def test_the_nearest_wins(deepseek_v4_provider):
    assert DeepSeekV4(deepseek_v4_provider).chat("Hi").text == "At last."
    assert deepseek_v4_provider.data.name == "nim"

@pytest.mark.parametrize("flavor", [
    pytest.param(name, marks=pytest.mark.deepseek_v4(flavor=name, default=script.text("Hello")))
    for name in ("vllm", "dynamo")
])
def test_flavors(deepseek_v4_provider, flavor):
    assert DeepSeekV4(deepseek_v4_provider).chat("Hi").text == "Hello"
    assert deepseek_v4_provider.data.name == flavor

@pytest.mark.deepseek_v4(script=[script.text("Hello")])
class TestClass:
    def test_it(self, deepseek_v4_provider):
        assert DeepSeekV4(deepseek_v4_provider).chat("Hi").text == "Hello"
        assert len(deepseek_v4_provider.requests) == 1
"""


def test_mocks(pytester: pytest.Pytester) -> None:
    run(pytester, MOCKS, "--strict-markers").assert_outcomes(passed=5)


def test_without_a_marker_it_answers_from_its_input(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(deepseek_v4_provider):
    assert "owls" in DeepSeekV4(deepseek_v4_provider).chat("Tell me of owls").text
""",
    )
    result.assert_outcomes(passed=1)


def test_a_step_that_was_not_taken(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.deepseek_v4(script=[script.text("one"), script.text("two")])
def test_it(deepseek_v4_provider):
    DeepSeekV4(deepseek_v4_provider).chat("Hi")
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 step(s) of the script were not taken:", "*  Turn(text='two')"])


WRONG = {
    "flavour='vllm'": "it has no argument 'flavour' (did you mean 'flavor'?); known: flavor, script, *",
    "flavor='hal'": "there is no flavor 'hal'*",
    "script='Hello'": "a step of the script is 'Hello': give script.text(...) or another step or fault",
    "'sglang'": "it takes arguments only by name, such as script='sglang'",
    "cassette='talk', flavor='vllm'": "flavor does not go with cassette",
    "match='normalised'": "match does not go without cassette",
    "cassette=7": "cassette is 7: give a name, such as 'weather'",
    "cassette=''": "cassette is '': give a name, such as 'weather'",
}


def test_wrong_arguments(pytester: pytest.Pytester) -> None:
    tests = [
        f"@pytest.mark.deepseek_v4({arguments})\ndef test_{number}(deepseek_v4_provider):\n    pass\n"
        for number, arguments in enumerate(WRONG)
    ]
    result = run(pytester, "\n".join([*tests, "def test_another(deepseek_v4_provider):\n    pass\n"]))
    result.assert_outcomes(passed=1, errors=len(WRONG))
    result.stdout.fnmatch_lines([f"the marker deepseek_v4: {told}" for told in WRONG.values()])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_marker_that_has_no_effect(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.deepseek_v4(flavor="sglang")
def test_it(deepseek_v4_mock):
    deepseek_v4_mock()
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["the marker deepseek_v4: it has no effect, for the test does not ask for the fixture deepseek_v4_provider"]
    )


CASSETTE = """
@pytest.mark.deepseek_v4(cassette="talk")
def test_it(deepseek_v4_provider):
    client = DeepSeekV4(deepseek_v4_provider)
    assert client.chat("Hi").text == "Hello"
    assert client.chat("And now?").text == "Bye"
"""


@pytest.fixture
def served() -> Iterator[tuple[MockServer, MockProvider]]:
    mock = MockProvider(script.text("Hello"), script.text("Bye"), flavor="vllm")
    with MockServer(mock) as server:
        yield server, mock


def write_profile(pytester: pytest.Pytester, url: str, more: str = "") -> None:
    key = pytester.path / "key"
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o600)
    text = f'[profiles.dev]\nprovider = "vllm"\nbase_url = "{url}/v1"\napi_key_file = "{key.as_posix()}"\n{more}'
    (pytester.path / "deepseek_v4.toml").write_text(f'default = "dev"\n{text}', encoding="utf-8")


@pytest.fixture(autouse=True)
def no_profiles_of_this_machine(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(pytester.path / "deepseek_v4.toml"))
    monkeypatch.delenv("DEEPSEEK_V4_PROFILE", raising=False)


def test_recorded_once_and_played_from_then_on(
    pytester: pytest.Pytester, served: tuple[MockServer, MockProvider]
) -> None:
    server, mock = served
    write_profile(pytester, server.url)
    run(pytester, CASSETTE, "--deepseek-v4-record").assert_outcomes(passed=1)
    assert mock.requests[0].headers["authorization"] == "***"  # the key of the profile was sent
    file = pytester.path / "cassettes" / "talk.jsonl"
    assert [exchange.path for exchange in read_cassette(file)] == ["/v1/chat/completions"] * 2
    assert KEY not in file.read_text(encoding="utf-8")
    (pytester.path / "deepseek_v4.toml").unlink()
    run(pytester, CASSETTE).assert_outcomes(passed=1)
    assert len(mock.requests) == 2


def test_what_a_failed_test_records_takes_no_place(
    pytester: pytest.Pytester, served: tuple[MockServer, MockProvider]
) -> None:
    write_profile(pytester, served[0].url)
    folder = pytester.path / "cassettes"
    folder.mkdir()
    (folder / "talk.jsonl").write_text("as it was", encoding="utf-8")
    one = CASSETTE.replace('    assert client.chat("And now?").text == "Bye"\n', "")
    run(pytester, one.replace("Hello", "Something else"), "--deepseek-v4-record").assert_outcomes(failed=1)
    assert (folder / "talk.jsonl").read_text(encoding="utf-8") == "as it was"
    assert len(read_cassette(folder / "talk.jsonl.new")) == 1
    run(pytester, one.replace("Hello", "Bye"), "--deepseek-v4-record").assert_outcomes(passed=1)
    assert len(read_cassette(folder / "talk.jsonl")) == 1
    assert [file.name for file in folder.iterdir()] == ["talk.jsonl"]


def test_it_is_not_played_when_it_differs_or_is_left_over(
    pytester: pytest.Pytester, served: tuple[MockServer, MockProvider]
) -> None:
    write_profile(pytester, served[0].url)
    run(pytester, CASSETTE, "--deepseek-v4-record").assert_outcomes(passed=1)
    result = run(pytester, CASSETTE.replace('"Hi"', '"Ho"'))
    assert result.ret == 1
    result.stdout.fnmatch_lines(['*body.messages[[]0].content: recorded "Hi", sent "Ho"'])
    result = run(pytester, CASSETTE.replace('client.chat("And now?").text', '"Bye"'))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 exchange(s) were recorded and not asked for:"])
    either = CASSETTE.replace('"talk"', '"talk", match=lambda body: None')
    run(pytester, either.replace('"Hi"', '"Ho"')).assert_outcomes(passed=1)


def test_a_cassette_that_is_missing_or_broken(pytester: pytest.Pytester) -> None:
    result = run(pytester, CASSETTE)
    result.assert_outcomes(errors=1)
    told = (
        "the marker deepseek_v4: the cassette *talk.jsonl does not exist: "
        "record it with a profile of a real server, by "
    )
    result.stdout.fnmatch_lines([f"{told}pytest --deepseek-v4-record 'test_it.py::test_it'"])
    (pytester.path / "cassettes").mkdir()
    (pytester.path / "cassettes" / "talk.jsonl").write_text("nonsense\n", encoding="utf-8")
    result = run(pytester, CASSETTE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the marker deepseek_v4: *talk.jsonl, line 1 cannot be read: Invalid JSON*"])


def test_a_test_that_sends_nothing_records_nothing(
    pytester: pytest.Pytester, served: tuple[MockServer, MockProvider]
) -> None:
    write_profile(pytester, served[0].url)
    source = '@pytest.mark.deepseek_v4(cassette="talk")\ndef test_it(deepseek_v4_provider):\n    pass\n'
    result = run(pytester, source, "--deepseek-v4-record")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the marker deepseek_v4: the test has sent nothing that could be recorded"])


def test_two_tests_do_not_record_one_cassette(
    pytester: pytest.Pytester, served: tuple[MockServer, MockProvider]
) -> None:
    server, mock = served
    write_profile(pytester, server.url)
    result = run(pytester, CASSETTE + CASSETTE.replace("test_it", "test_other"), "--deepseek-v4-record")
    result.assert_outcomes(errors=2)
    assert mock.requests == []
    result.stdout.fnmatch_lines(["*test_it.py::test_it and test_it.py::test_other would record one cassette: *"])


@pytest.mark.parametrize(
    ("more", "options", "told"),
    [
        ('proxy = "http://proxy.test:3128"\n', (), "the profile dev has proxy, which a recorder does not have*"),
        ("", ("--deepseek-v4-profile", "prod"), "*deepseek_v4.toml has no profile 'prod'; it has dev"),
    ],
)
def test_a_profile_that_will_not_do(pytester: pytest.Pytester, more: str, options: tuple[str, ...], told: str) -> None:
    write_profile(pytester, "http://vllm.test", more)
    result = run(pytester, CASSETTE, "--deepseek-v4-record", *options)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"the marker deepseek_v4: {told}"])


def test_the_guard_lets_recorders_through_while_recording(pytester: pytest.Pytester, closed_port: int) -> None:
    """Nobody's own address is no loopback address, so that the guard takes it for a real server."""
    write_profile(pytester, f"http://0.0.0.0:{closed_port}")
    source = (
        CASSETTE
        + f"""
def test_not_recorded():
    DeepSeekV4("vllm", base_url="http://0.0.0.0:{closed_port}", model="m", max_retries=0).chat("Hi")

def test_a_recorder_of_its_own(tmp_path):
    recorder = Recorder("vllm", base_url="http://0.0.0.0:{closed_port}", path=tmp_path / "talk.jsonl")
    DeepSeekV4(recorder, model="m", max_retries=0).chat("Hi")
"""
    )
    told = "E *Failed: this test would send a request to 0.0.0.0: use a mock, or ask for allow_network"
    result = run(pytester, source, "--deepseek-v4-record")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["* test_it *", "E *ConnectionFailedError: *"])
    result.stdout.fnmatch_lines(["* test_not_recorded *", told])
    result.stdout.fnmatch_lines(["* test_a_recorder_of_its_own *", "E *ConnectionFailedError: *"])
    result = run(pytester, source.replace('"talk"', '"another"'))
    result.assert_outcomes(failed=2, errors=1)
    result.stdout.fnmatch_lines(["* test_not_recorded *", told, "* test_a_recorder_of_its_own *", told])


def test_in_several_processes(
    pytester: pytest.Pytester, served: tuple[MockServer, MockProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mocks, and a cassette that is recorded there."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins only take time
    write_profile(pytester, served[0].url)
    pytester.makepyfile(test_it=HEAD + MOCKS, test_talk=HEAD + CASSETTE)
    options = ("-p", "xdist.plugin", "-p", "deepseek_v4_sdk.pytest_plugin", "-p", "no:cacheprovider", "-n", "2")
    pytester.runpytest_subprocess(*options, "--deepseek-v4-record").assert_outcomes(passed=6)
    assert len(read_cassette(pytester.path / "cassettes" / "talk.jsonl")) == 2
