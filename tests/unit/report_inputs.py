"""What the nodes before it hand to RunReport."""

CHECKS = [
    {"name": "signature", "passed": True, "detail": "serving_default takes PNG bytes"},
    {"name": "equal results", "passed": False, "detail": "differs by 0.2"},
]
