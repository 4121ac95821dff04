"""MONAI's network of the depth and width of the plain U-Net, on request: a process of an environment that has it.

For each line that it reads, a precision, it answers a tile and prints its processor time and wall time in seconds.
"""

import sys
import time

import monai
import torch
from monai.networks.nets import DynUNet

_LEVELS, _SIDE, _CLASSES = 6, 512, 4


def main() -> None:
    # Two convolutions of 3 x 3 a level, 16 to 512 filters, transposed ones up: as the plain U-Net has them.
    network = DynUNet(
        spatial_dims=2,
        in_channels=3,
        out_channels=_CLASSES,
        kernel_size=[3] * _LEVELS,
        strides=[1] + [2] * (_LEVELS - 1),
        upsample_kernel_size=[2] * (_LEVELS - 1),
        filters=[16 * 2**level for level in range(_LEVELS)],
        norm_name="batch",
    ).eval()
    tile = torch.rand(1, 3, _SIDE, _SIDE)
    weights = sum(each.numel() for each in network.parameters())
    print(f"{monai.__version__}, torch {torch.__version__}, DynUNet of {weights} weights", flush=True)
    for line in sys.stdin:
        half = torch.autocast("cpu", torch.bfloat16, enabled=line.strip() == "bfloat16")
        with torch.inference_mode(), half:
            begin = time.process_time(), time.perf_counter()
            torch.softmax(network(tile), dim=1)
            print(time.process_time() - begin[0], time.perf_counter() - begin[1], flush=True)


if __name__ == "__main__":
    main()
