"""The optimizers that `[training] optimizer` may name, by their modules, in each a function of that name."""

OPTIMIZERS = {name: f"components.trainer.optimizers.{name}" for name in ("adam", "adamw", "sgd")}
