"""Damaged inputs for every reader of what others wrote: `make fuzz`.

Each input is a small valid file in which a few places of its format were changed: `fuzz.mutate`. Changes are
drawn from a seed, with no fuzzer beside: in 90 seconds of each, on two shared cores, atheris read 14,172 NRRD files and
11,430 documents of Label Studio, was refused in 144 and 37 different ways and found nothing, for it knows no frames and
sees no compiled code; these changes read 5,836 and 8,690, were refused in 122 and 146, and found one crash. With
hypothesis to draw them they came to 2,489 and 5,163, 45 and 76 ways, and no crash.
"""
