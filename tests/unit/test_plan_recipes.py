"""A plan and a recipe: what is left to it, what is written, what is told, what is compared."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from planned import AUTO, CELLS, FILMS, auto, untouched, values
from typer.testing import CliRunner

from components.errors import UsageError
from components.imaging.augmentation.settings import Augmentation
from components.trainer.settings import Model, Training
from pipeline.cli.app import app
from pipeline.cli.plan import written_by
from pipeline.config.data import Data
from pipeline.config.loader import load_config
from pipeline.config.root import PLANNED, Config
from pipeline.kubeflow.spec.compile import compile_package
from pipeline.runs.launch import prepared
from pipeline.runs.phantoms.sets import write_phantoms
from pipeline.runs.plan.choices import SIZE, Choice, choose
from pipeline.runs.plan.compare import candidates, cost, measured, taken
from pipeline.runs.plan.core import Plan, as_planned, going_with, plan, size_of_records, table_of, with_choices
from pipeline.runs.plan.sizes import Size
from pipeline.runs.plan.write import with_plan, write_plan


class TestAuto:
    @pytest.fixture(scope="class")
    def films(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("films")
        write_phantoms(folder, women=12, size=128, seed=3, form="mias")
        return folder

    def test_what_is_stated_stands(self, films: Path) -> None:
        made, found = as_planned(auto(), films, untouched)
        assert (made.data.height, made.training.batch_size, str(made.training.budget)) == (64, 3, "5 min")
        assert (made.model.architecture, made.augmentation.strength) == ("encoder_unet", "standard")
        assert found
        assert not {choice.key for choice in found.choices} & {"data.height", "training.batch_size", "training.budget"}

    def test_epochs_and_augmentation_that_are_stated_leave_nothing_to_the_plan(self, films: Path) -> None:
        config = auto(training={"epochs": 2}, augmentation={"copies": 1, "horizontal_flip": 0.5})
        made, _ = as_planned(config, films, untouched)
        assert (made.training.epochs, made.training.budget) == (2, None)
        assert (made.augmentation.copies, made.augmentation.strength) == (1, None)

    @pytest.mark.parametrize(
        "stated",
        [
            {"training": {"budget": "5 min", "warm_start": True}},
            {"data": {"layout": "mias", "height": 64, "width": 64, "fit": "crop"}},
        ],
    )
    def test_a_plan_goes_with_what_excludes_folds_or_other_sizes(self, films: Path, stated: dict[str, Any]) -> None:
        config = auto(**stated)
        made = with_choices(config, plan(config, films, untouched).choices)
        assert made.folds is None if config.training.warm_start else made.data.height == 64

    def test_the_same_data_make_the_same_plan(self, films: Path) -> None:
        (one, first), (other, second) = (as_planned(auto(), films, untouched) for _ in range(2))
        assert one == other
        assert first
        assert second
        # Free memory, which is seen as well, is another each time.
        assert first.choices == second.choices

    def test_a_named_architecture_is_left_alone(self, films: Path) -> None:
        config = load_config("folders")
        assert as_planned(config, films, untouched) == (config, None)

    def test_parameters_belong_to_a_named_architecture(self) -> None:
        with pytest.raises(UsageError, match='architecture = "auto" chooses them: remove parameters'):
            auto(model={"architecture": "auto", "parameters": {"levels": 3}})

    def test_a_cluster_gets_no_recipe_that_is_not_planned(self) -> None:
        with pytest.raises(UsageError, match="maskline plan RECIPE --data DIR --write"):
            compile_package("test", auto(), "/data")

    @pytest.mark.parametrize("architecture", ["auto", "unet"])
    def test_another_optimizer_decides_its_rate_and_schedule(self, films: Path, architecture: str) -> None:
        config = auto(model={"architecture": architecture}, training={"budget": "5 min", "optimizer": "sgd"})
        keys = {choice.key for choice in plan(config, films, untouched).choices}
        assert not keys & {"training.learning_rate", "training.schedule"}
        stated = config.given("training")
        assert as_planned(config, films, untouched)[0].given("training").keys() <= {*stated, "batch_size", "balance"}

    def test_of_what_is_cut_out_the_recipe_says_how_large(self, films: Path) -> None:
        config = auto(data={"layout": "mias", "height": 64, "width": 64, "fit": "crop"})
        made = plan(config, films, untouched)
        assert not {choice.key for choice in made.choices} & {*SIZE}
        assert size_of_records(config, made.seen) == Size(64, 64, False, 1.0)

    def test_sections_state_what_tables_do(self, films: Path) -> None:
        tables = auto(training={"budget": "3 s"}, augmentation={"strength": "light", "right_angle": 0.5})
        data = Data(layout="mias", height=64, width=64)
        sections = Config(
            data=data,
            model=Model(architecture="auto"),
            training=Training.model_validate({"budget": "3 s"}),
            augmentation=Augmentation(strength="light", right_angle=0.5),
        )
        assert [sections.given(name) for name in PLANNED] == [tables.given(name) for name in PLANNED]
        assert as_planned(sections, films, untouched)[0].model.architecture == "encoder_unet"

    def test_a_run_says_that_lesions_are_too_small(self, films: Path, tmp_path: Path) -> None:
        config = auto(data={"layout": "mias", "height": 32, "width": 32})
        with prepared("test", config, films, tmp_path / "out") as request:
            [told] = request.doubts
        assert told.startswith("[data] height = 32, width = 32: small lesions of")

    def test_a_plan_makes_a_config_that_trains(self, films: Path) -> None:
        config = auto()
        made = with_choices(config, plan(config, films, untouched).choices)
        assert (made.model.architecture, made.data.height, made.data.width) == ("encoder_unet", 128, 128)


class TestWriting:
    def test_comments_and_other_keys_stay(self) -> None:
        text = '# mine\n[data]\nheight = 64  # old\nlayout = "mias"\n\n[training]\nepochs = 3\nseed = 7\n'
        choices = [Choice("data.height", 128, "why"), Choice("data.tiles", {"overlap": 16}, "so"),
                   Choice("augmentation.strength", "light", "some"), Choice("folds.k", 3, "few")]  # fmt: skip
        assert with_plan(text, choices) == (
            '# mine\n[data]\nheight = 128 # why\nlayout = "mias"\ntiles = {overlap = 16} # so\n\n'
            '[training]\nepochs = 3\nseed = 7\n\n[augmentation]\nstrength = "light" # some\n\n[folds]\nk = 3 # few\n'
        )

    def test_lines_end_as_they_did(self) -> None:
        text = AUTO.replace("\n", "\r\n")
        written = with_plan(text, [Choice("folds.k", 3, "few")])
        assert written == text + "\r\n[folds]\r\nk = 3 # few\r\n"

    def test_images_that_should_be_whole_are_tiled_no_more(self) -> None:
        text = "[data]\nheight = 64\n[data.tiles]\noverlap = 16\n[data.splits]\nseed = 3\n"
        whole = [Choice("data.height", 128, "why")]
        assert tomllib.loads(with_plan(text, whole))["data"] == {"height": 128, "splits": {"seed": 3}}
        tiled = [*whole, Choice("data.tiles", {"overlap": 8}, "so")]
        found = tomllib.loads(with_plan(text, tiled))["data"]
        assert found == {"height": 128, "tiles": {"overlap": 8}, "splits": {"seed": 3}}

    def test_a_link_and_permissions_stay(self, tmp_path: Path) -> None:
        recipe, link = tmp_path / "recipe.toml", tmp_path / "link.toml"
        recipe.write_text(AUTO)
        recipe.chmod(0o600)
        link.symlink_to("recipe.toml")
        write_plan(link, [Choice("folds.k", 3, "few")])
        assert link.is_symlink()
        assert "k = 3" in recipe.read_text()
        assert recipe.stat().st_mode & 0o777 == 0o600

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write any file")
    def test_a_file_that_may_not_be_written_stays(self, tmp_path: Path) -> None:
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(AUTO)
        recipe.chmod(0o400)
        with pytest.raises(UsageError, match="cannot be written: Permission denied"):
            write_plan(recipe, [Choice("folds.k", 3, "few")])

    def test_nothing_is_written_that_no_run_could_read(self, tmp_path: Path) -> None:
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(AUTO + "deep_supervision = true\n")
        with pytest.raises(UsageError, match=r"Nothing is written.*\n.*deep_supervision"):
            write_plan(recipe, choose(CELLS, 5))
        assert recipe.read_text() == AUTO + "deep_supervision = true\n"

    def test_no_recipe_is_written_that_does_not_go_together(self, tmp_path: Path) -> None:
        recipe = tmp_path / "films.toml"
        size = "height = 512\nwidth = 512\n"
        phantoms = "phantoms = { women = 12, size = 128, seed = 7 }\n"
        training = "[training]\nbudget = '5 min'\npatch = { height = 480, width = 480 }\n"
        recipe.write_text(f'[data]\nlayout = "mias"\n{phantoms}{size}{training}')
        before = recipe.read_text()
        done = CliRunner().invoke(app, ["plan", str(recipe), "--write"])
        assert done.exit_code == 2
        assert "[training.patch] height = 480 is more than [data] height = 128" in done.output
        assert recipe.read_text() == before

    def test_what_is_written_is_what_was_planned(self) -> None:
        choices = choose(CELLS, 5)
        found = tomllib.loads(with_plan(AUTO, choices))
        for section, keys in table_of(choices).items():
            assert {key: found[section][key] for key in keys} == keys

    def test_no_plan_is_written_that_is_of_another_recipe(self, tmp_path: Path) -> None:
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(AUTO)
        done = CliRunner().invoke(app, ["plan", str(recipe), "--set", 'training.budget="1 h"', "--write"])
        assert done.exit_code == 2
        assert "--write with --set" in done.output
        assert recipe.read_text() == AUTO


class TestTold:
    @pytest.mark.parametrize(
        ("side", "planned", "told"), [(64, 64, "no data.tiles  (the recipe has some)"), (1024, 128, "")]
    )
    def test_tiles_are_told_where_the_recipe_has_others(
        self, side: int, planned: int, told: str, tmp_path: Path
    ) -> None:
        slope = np.arange(side, dtype=np.uint8) % 200
        for name, row in {"images": slope, "masks": 0 * slope}.items():
            (tmp_path / name).mkdir()
            pixels = np.tile(row, (side, 1))
            pixels[10:16, 10:16] = 255
            for number in range(9):
                cv2.imwrite(str(tmp_path / name / f"{number}.png"), pixels)
        recipe = tmp_path / "recipe.toml"
        tiles = "tiles = { overlap = 16, keep_empty = 0.25 }"
        recipe.write_text(AUTO.replace("width = 64", f"width = 64\n{tiles}").replace("5 min", "1 min"))
        done = CliRunner().invoke(app, ["plan", str(recipe), "--data", str(tmp_path)], env={"COLUMNS": "200"})
        assert f"data.height = {planned}" in done.output
        assert [line for line in done.output.splitlines() if "data.tiles" in line and "recipe has" in line] == (
            [told] if told else []
        )

    @pytest.mark.parametrize(
        ("recipe", "options", "told"),
        [
            ("demo", (), "maskline config show demo > my.toml, then maskline plan my.toml --data DIR --write"),
            ("my.toml", (), "Write it down: maskline plan my.toml --data DIR --write"),
            ("my.toml", ["a.b=1"], "into my.toml, then maskline plan my.toml --data DIR --write"),
        ],
    )
    def test_how_it_is_written_down_works(self, recipe: str, options: list[str], told: str) -> None:
        assert written_by(recipe, Path("DIR"), options, compare=False).endswith(told)

    def test_a_recipe_by_name_can_be_planned_once_it_is_shown(self, tmp_path: Path) -> None:
        recipe = tmp_path / "my.toml"
        recipe.write_text(CliRunner().invoke(app, ["config", "show", "demo"]).output)
        write_plan(recipe, choose(CELLS, 5))
        assert load_config(str(recipe)).model.architecture == "encoder_unet"


class TestComparing:
    def test_what_it_costs(self) -> None:
        default = Plan(FILMS, choose(FILMS, 5))
        assert cost(auto(), default) == (
            "3 candidates x 3 folds x 5 min of training: 0:45:00 in all, and start-up and answers on top"
        )
        few = Plan(replace(FILMS, groups=20, tested=4), choose(replace(FILMS, groups=20, tested=4), 5))
        assert cost(auto(training={"epochs": 7}), few).startswith("3 candidates x 5 folds x 7 epochs of training, and")

    def test_the_reason_of_what_is_taken_is_what_was_measured(self) -> None:
        config, default = auto(), Plan(FILMS, choose(FILMS, 5))
        plain = candidates(config, default)["plain U-Net"]
        change = {"mean": 0.04, "ci95": [0.01, 0.07], "verdict": "better"}
        made = measured(default.choices, plain, {"mean": 0.8234, "n": 30, "change": change})
        told = {choice.key: choice.why for choice in made}
        reason = "measured: mean Dice 0.823 of 30 cases out of fold, +0.040 (95 % CI +0.010 to +0.070)"
        differ = {"model.architecture", "model.parameters", "training.learning_rate"}
        assert {key for key, why in told.items() if why.startswith(reason)} == differ
        assert values(made) == values(list(plain))

    def test_what_is_stated_excludes_the_same_of_all_candidates(self) -> None:
        config = auto(training={"budget": "5 min", "optimizer": "sgd"})
        for choices in candidates(config, Plan(FILMS, going_with(config, choose(FILMS, 5)))).values():
            assert not {choice.key for choice in choices} & {"training.learning_rate", "training.schedule"}

    def test_candidates_are_measured_on_the_same_truth(self) -> None:
        config = auto()
        tried = candidates(config, Plan(FILMS, choose(FILMS, 5)))
        made = {name: with_choices(config, choices) for name, choices in tried.items()}
        assert {(one.data.height, one.data.width) for one in made.values()} == {(256, 256)}
        assert [one.model.architecture for one in made.values()] == ["encoder_unet", "unet", "encoder_unet"]
        assert [one.augmentation.strength for one in made.values()] == ["standard", "standard", "strong"]

    def test_augmentation_by_copies_gives_way(self) -> None:
        config = auto(augmentation={"copies": 2, "horizontal_flip": 0.5})
        tried = candidates(config, Plan(FILMS, choose(FILMS, 5)))
        for choices in tried.values():
            made = with_choices(config, choices).augmentation
            assert (made.copies, made.online, made.horizontal_flip) == (0, True, 0.5)

    @pytest.mark.parametrize(
        ("verdicts", "expected"),
        [
            ({"a": "not told apart", "b": None}, "default"),
            ({"a": "worse", "b": "better"}, "b"),
            ({"a": "better", "b": "better"}, "a"),
        ],
    )
    def test_only_what_is_better_outside_the_interval_is_taken(
        self, verdicts: dict[str, str | None], expected: str
    ) -> None:
        means = {"a": 0.9, "b": 0.8}
        changed = {name: {"mean": means[name], "change": {"verdict": verdict}} for name, verdict in verdicts.items()}
        assert taken({"default": {"mean": 0.7}, **changed}) == expected
