"""The losses that `[training] loss` may name, by their modules, in each a function of that name.

It takes truth, float32 class indices `(N, H, W, 1)`, probabilities float32 `(N, H, W, C)` and whether truth may have
pixels to be ignored, and gives one number for each image, `(N,)`.
"""

LOSSES = {"ce_dice": "components.trainer.losses.ce_dice"}
