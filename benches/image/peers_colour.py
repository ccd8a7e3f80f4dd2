"""Colours and values, and the greatest of squares."""

from common import A, B, composed, np


def opencv():
    import cv2

    d = np.empty_like(A)
    levels = np.arange(256) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    value = np.where(levels <= 0.0031308, levels * 12.92, 1.055 * levels ** (1 / 2.4) - 0.055)
    light, value = (np.rint(table * 255).astype(np.uint8) for table in (light, value))
    solar = np.where(np.arange(256) < 128, np.arange(256), 255 - np.arange(256)).astype(np.uint8)
    curve = np.rint(255 * (0.75 * (1 - levels) ** 2 * levels + 2.25 * (1 - levels) * levels**2 + levels**3))
    curve, shares = curve.astype(np.uint8), levels.astype(np.float32)
    grey, numbers = np.ascontiguousarray(A[..., 0]), np.empty(A.shape, np.float32)
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
        "invert": lambda: cv2.bitwise_not(A, dst=d),
        "solarise": lambda: cv2.LUT(A, solar, dst=d),
        "posterise": lambda: cv2.bitwise_and(A, (240, 240, 240, 0), dst=d),
        "tone_curve": lambda: cv2.LUT(A, curve, dst=d),
        "grey_to_rgb": lambda: cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB, dst=d),
        "to_float": lambda: cv2.LUT(A, shares, dst=numbers),
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
            "invert": alb.InvertImg(p=1),
            "solarise": alb.Solarize((0.5, 0.5), p=1),
            "posterise": alb.Posterize(4, p=1),
            "tone_curve": alb.RandomToneCurve(0.1, p=1),
            "to_float": alb.ToFloat(255, p=1),
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
    from PIL import Image, ImageFilter, ImageOps

    whole = Image.fromarray(A)
    other, grey = whole.convert("YCbCr"), Image.fromarray(np.ascontiguousarray(A[..., 0]))
    return {
        "invert": lambda: ImageOps.invert(whole),
        "solarise": lambda: ImageOps.solarize(whole, 128),
        "posterise": lambda: ImageOps.posterize(whole, 4),
        "grey_to_rgb": lambda: grey.convert("RGB"),
        "rgb_to_ycbcr": lambda: whole.convert("YCbCr"),
        "ycbcr_to_rgb": lambda: other.convert("RGB"),
        "dilate_3": lambda: whole.filter(ImageFilter.MaxFilter(3)),
    }


def torchvision():
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    image = torch.from_numpy(A).permute(2, 0, 1).contiguous()
    shuffle, floats = v2.RandomChannelPermutation(), v2.ToDtype(torch.float32, scale=True)
    return {"channel_shuffle": lambda: shuffle(image), "to_float": lambda: floats(image)}


def skimage():
    from skimage.exposure import match_histograms

    return {"match_histograms": lambda: match_histograms(A, B, channel_axis=-1)}
