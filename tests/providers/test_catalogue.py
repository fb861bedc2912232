"""What a model's name means at each provider, and how a file of profiles changes that."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.catalogue.models import AS_OF, Catalogue, ServedModel
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError, ModelNotFoundError
from deepseek_v4_sdk.testing import script
from tests.providers.hosted import KEY, KINDS, Network, Talk, willing

if TYPE_CHECKING:
    from pathlib import Path

PRO, FLASH = "deepseek-ai/deepseek-v4-pro-0813", "deepseek-ai/deepseek-v4-flash-0731"
MEANT = {
    "nvidia": {
        PRO: "pro PRO deepseek-v4-pro DeepSeek-V4-Pro deepseek-ai/deepseek-v4-pro deepseek-ai/DeepSeek-V4-Pro "
        "deepseek-v4-pro-0813 DeepSeek-V4-Pro-0813",
        FLASH: "flash Flash deepseek-v4-flash deepseek-ai/deepseek-v4-flash deepseek-ai/DeepSeek-V4-Flash-0731",
    },
    "deepseek": {
        "deepseek-v4-pro": "pro Pro DeepSeek-V4-Pro deepseek-ai/deepseek-v4-pro deepseek-ai/DeepSeek-V4-Pro "
        "deepseek-v4-pro-0813",
        "deepseek-flash": "flash deepseek-v4-flash deepseek-ai/DeepSeek-V4-Flash deepseek-v4.1-flash",
    },
}
NAMES = [
    (provider, name, model) for provider, ids in MEANT.items() for model, names in ids.items() for name in names.split()
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("provider", "name", "model"), NAMES)
def test_a_familys_names_mean_the_live_model_and_the_reply_says_so(
    provider: str, name: str, model: str, kind: str
) -> None:
    network = Network(script.text("Hello"), flavor=provider)
    reply = Talk(kind, provider, network, api_key=KEY).chat(model=name)
    assert network.bodies[0]["model"] == model == reply.requested_model == reply.model
    assert [repair.detail for repair in reply.repairs if repair.kind == "model_alias"] == [
        f"{name!r} is {model} at {provider}"
    ]


@pytest.mark.parametrize(("provider", "model"), [(provider, model) for provider, ids in MEANT.items() for model in ids])
def test_a_live_id_is_sent_as_it_is_without_a_word(provider: str, model: str) -> None:
    network = Network(script.text("Hello"), flavor=provider)
    reply = Talk("sync", provider, network, api_key=KEY, model=model).chat()
    assert network.bodies[0]["model"] == model
    assert "model_alias" not in [repair.kind for repair in reply.repairs]


@pytest.mark.parametrize("provider", ["nvidia", "nim", "dynamo", "deepseek", "vllm", "sglang"])
def test_an_unknown_name_is_sent_as_it_is(provider: str) -> None:
    network = Network(script.raw("{}", status=404, content_type="application/json"), flavor=willing(provider))
    with pytest.raises(ModelNotFoundError):
        Talk("sync", provider, network, api_key=KEY, base_url="http://gw").chat(model="Some/Other-Model_1")
    assert network.bodies[0]["model"] == "Some/Other-Model_1"


@pytest.mark.parametrize("provider", ["nvidia", "deepseek"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_a_name_nothing_is_sent(provider: str, kind: str) -> None:
    network = Network(flavor=provider)
    with pytest.raises(InvalidRequestError, match=f"{provider} needs a model: give model='pro' or 'flash'") as raised:
        Talk(kind, provider, network, api_key=KEY).chat()
    for model in MEANT[provider]:
        assert model in str(raised.value)
    assert network.asked == []


@pytest.mark.parametrize("name", ["deepseek-chat", "deepseek-reasoner"])
def test_an_ended_name_of_deepseek_is_told_with_what_replaces_it(name: str) -> None:
    network = Network(flavor="deepseek")
    with pytest.raises(ModelNotFoundError, match=r"but you passed .*use deepseek-flash") as raised:
        Talk("sync", "deepseek", network, api_key=KEY).chat(model=name)
    assert raised.value.status_code == 400


def test_every_entry_has_a_day_and_what_has_ended_has_a_successor() -> None:
    catalogue = Catalogue()
    assert {entry.as_of for entry in catalogue.entries} == {AS_OF}
    for entry in catalogue.entries:
        if entry.retired_on is not None:
            assert entry.retired_on < AS_OF
            assert set(entry.successors) <= set(catalogue.names(entry.provider)) != set()
    assert catalogue.entry("nvidia", "deepseek-ai/deepseek-v4-pro").retired_on == date(2026, 8, 7)  # type: ignore[union-attr]
    assert catalogue.entry("deepseek", "deepseek-flash").generation == "v4.1"  # type: ignore[union-attr]


def test_no_name_means_two_models() -> None:
    for provider in ("nvidia", "deepseek"):
        named = [
            name.lower()
            for entry in Catalogue().entries
            if entry.provider == provider and entry.retired_on is None
            for name in {entry.id, *entry.aliases}
        ]
        assert len(named) == len(set(named))


def profile(tmp_path: Path, models: str) -> Path:
    file = tmp_path / "deepseek_v4.toml"
    (tmp_path / "key").write_text(KEY, "utf-8")
    file.write_text(f'[profiles.hosted]\nprovider = "nvidia"\napi_key_file = "key"\n{models}', "utf-8")
    return file


def ask(file: Path, model: str) -> tuple[Any, list[Any]]:
    network = Network(script.text("Hello"), flavor=willing("nvidia"))
    with DeepSeekV4.from_profile("hosted", path=file, http_client=network) as client:
        return client.chat("x", model=model), network.bodies


def test_a_new_model_is_known_by_configuration(tmp_path: Path) -> None:
    file = profile(
        tmp_path,
        """
[[models]]
provider = "nvidia"
id = "deepseek-ai/deepseek-v5-pro"
family = "pro"
generation = "v4.1"
aliases = ["pro", "newest"]
window = 2000000
""",
    )
    for name in ("pro", "newest", "DeepSeek-V5-Pro"):
        assert ask(file, name)[1][0]["model"] == "deepseek-ai/deepseek-v5-pro"
    assert ask(file, "flash")[1][0]["model"] == FLASH


def test_a_known_model_can_end_by_configuration(tmp_path: Path) -> None:
    file = profile(
        tmp_path,
        f"""
[[models]]
provider = "nvidia"
id = "{PRO}"
retired_on = 2026-12-01
successors = ["deepseek-ai/deepseek-v5-pro"]
""",
    )
    assert ask(file, PRO)[1][0]["model"] == PRO
    with DeepSeekV4.from_profile("hosted", path=file, http_client=Network(flavor="nvidia")) as client:
        entry = client._endpoint.target.catalogue.entry("nvidia", PRO)
    assert entry is not None
    assert (entry.family, entry.window, entry.retired_on) == ("pro", 1_048_576, date(2026, 12, 1))


WRONG = {
    "models = 5": "write each model as [[models]]",
    'models = "pro"': "write each model as [[models]]",
    '[models]\nprovider = "nvidia"': "models is one table, and must be a list of them",
    "[[models]]": "models[0] needs provider and id",
    '[[models]]\nprovider = "nvidia"': "models[0] needs provider and id",
    '[[models]]\nprovider = "nvidia"\nid = "x"': "models[0] is a new model and needs family and generation",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\nfamily = "huge"': "models[0].family is 'huge': 'pro' or 'flash'",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\ngeneration = "v9"': "models[0].generation is 'v9'",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\nwindow = "1M"': "models[0].window is '1M': give a number from 1",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\nwindow = true': "models[0].window is True: give a number from 1",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\nmax_output = 0': "models[0].max_output is 0: give a number from 1",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\nretired_on = "soon"': "models[0].retired_on is 'soon': give a",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\naliases = "pro"': "models[0].aliases is 'pro': give a list of",
    f'[[models]]\nprovider = "nvidia"\nid = "{PRO}"\nwindwo = 5': "models[0].windwo is not a field of a model; known:",
}


@pytest.mark.parametrize(("models", "text"), WRONG.items())
def test_a_wrong_entry_is_named(tmp_path: Path, models: str, text: str) -> None:
    file = profile(tmp_path, "")
    table = file.read_text("utf-8")
    file.write_text(f"{models}\n{table}" if models.startswith("models") else f"{table}\n{models}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(text)) as raised:
        DeepSeekV4.from_profile("hosted", path=file)
    assert "deepseek_v4.toml" in str(raised.value)
    assert KEY not in str(raised.value)


def test_a_catalogue_of_ones_own_goes_before_the_built_in_one() -> None:
    own = ServedModel(provider="deepseek", id="my-pro", family="pro", generation="2026-08", aliases=("pro",))
    network = Network(flavor="deepseek")
    with pytest.raises(ModelNotFoundError, match="you passed my-pro"):
        Talk("sync", "deepseek", network, api_key=KEY, catalogue=Catalogue([own])).chat(model="pro")
    assert network.bodies[0]["model"] == "my-pro"
