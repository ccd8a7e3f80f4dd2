"""Colours and values, and the greatest of squares."""

from common import A, B, composed, np


def opencv():
    import cv2

    d = np.empty_like(A)
    levels = np.arange(256) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    value = np.where(levels <= 0.0031308, levels * 12.92, 1.055 * levels ** (1 / 2.4) - 0.055)
    light, value = (np.rint(table * 255).astype(np.uint8) for table in (light, value))
    ones = lambda n: np.ones((n, n), np.uint8)
    draws = np.random.default_rng(3)
    space = lambda code: lambda: cv2.cvtColor(A, code, dst=d)

    def shuffle():
        order = draws.permutation(3)
        cv2.mixChannels([A], [d], [value for pair in enumerate(order.tolist()) for value in pair])

    def drop():
        np.copyto(d, A)
        d[..., draws.integers(3)] = 0

    return {
        "channel_shuffle": shuffle,
        "channel_drop": drop,
        "rgb_shift": lambda: cv2.add(A, (20, -10, 5, 0), dst=d),
        "rgb_to_hls": space(cv2.COLOR_RGB2HLS_FULL),
        "hls_to_rgb": space(cv2.COLOR_HLS2RGB_FULL),
        "rgb_to_ycbcr": space(cv2.COLOR_RGB2YCrCb),
        "ycbcr_to_rgb": space(cv2.COLOR_YCrCb2RGB),
        "srgb_to_linear": lambda: cv2.LUT(A, light, dst=d),
        "linear_to_srgb": lambda: cv2.LUT(A, value, dst=d),
        "dilate_3": lambda: cv2.dilate(A, ones(3), dst=d),
        "dilate_11": lambda: cv2.dilate(A, ones(11), dst=d),
    }


def albumentations():
    import albumentations as alb

    ops = composed(
        {
            "channel_shuffle": alb.ChannelShuffle(p=1),
            "channel_drop": alb.ChannelDropout((1, 1), p=1),
            "rgb_shift": alb.RGBShift((20, 20), (-10, -10), (5, 5), p=1),
            "hsv_shift": alb.HueSaturationValue((20, 20), (25, 25), (25, 25), p=1),
            "dilate_3": alb.Morphological((3, 3), "dilation", p=1),
            "dilate_11": alb.Morphological((11, 11), "dilation", p=1),
        }
    )
    ops |= composed({"match_histograms": alb.HistogramMatching(blend_ratio=(1, 1), p=1)}, hm_metadata=[B])
    kinds = ("standard", "minmax", "pca")
    adapt = lambda kind: alb.PixelDistributionAdaptation(blend_ratio=(1, 1), transform_type=kind, p=1)
    return ops | composed({f"pixel_adaptation_{kind}": adapt(kind) for kind in kinds}, pda_metadata=[B])


def pillow():
    from PIL import Image, ImageFilter

    whole = Image.fromarray(A)
    other = whole.convert("YCbCr")
    return {
        "rgb_to_ycbcr": lambda: whole.convert("YCbCr"),
        "ycbcr_to_rgb": lambda: other.convert("RGB"),
        "dilate_3": lambda: whole.filter(ImageFilter.MaxFilter(3)),
    }


def torchvision():
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    image = torch.from_numpy(A).permute(2, 0, 1).contiguous()
    shuffle = v2.RandomChannelPermutation()
    return {"channel_shuffle": lambda: shuffle(image)}


def skimage():
    from skimage.exposure import match_histograms

    return {"match_histograms": lambda: match_histograms(A, B, channel_axis=-1)}
