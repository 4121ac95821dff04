"""The optimizers that `[training] optimizer` may name, by their modules, in each a function of that name."""

OPTIMIZERS = {"adam": "components.trainer.optimizers.adam"}
