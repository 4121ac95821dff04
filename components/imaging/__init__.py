"""Pure image code shared by the components: no TensorFlow, no TFX, no files but in `codecs`."""
