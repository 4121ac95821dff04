"""ImageMaskExampleGen: image-mask pairs become records, split by group."""
