"""The losses that `[training] loss` may name, by their modules, in each a function of that name."""

LOSSES = {"bce_dice": "components.trainer.losses.bce_dice"}
