"""What answers windows: TensorFlow by the SavedModel itself, or a faster engine by what it was converted to.

An engine has a module of its own here, which alone imports it. That of a faster one has

    convert(frozen, folder, precision, samples)     writes what `open_engine` reads
    open_engine(folder, precision)                  an `Engine` of it

and is listed in `registry.py`.
"""
