"""The encoders that an architecture's parameter `encoder` may name, by their modules. Imports no Keras.

In a module are, of each of its names:
    `encoder(name)`: a `keras.Model` from natural colour images, `(N, H, W, 3)` of about 0..1, which it brings to what
        its weights expect, to features at the strides 2, 4, 8, 16, 32, or at 1 as well.
    `published(name, fetch)`: the weights that somebody has published, as `encoders.weights.Published`.
    `load(encoder, name, path, content)`: gives `encoder` the weights of a file, `content` being what it holds.
"""

_LITE, _APPLICATIONS = (f"{__package__}.{module}" for module in ("efficientnet_lite", "applications"))

ENCODERS = {
    **dict.fromkeys(("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"), _LITE),
    **dict.fromkeys(("vgg16", "vgg19", "resnet50", "xception", "inception_v3"), _APPLICATIONS),
    **dict.fromkeys(("efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3"), _APPLICATIONS),
}
