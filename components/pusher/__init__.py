"""Pusher: makes a blessed model the champion."""
