"""What bad cameras, bad lines and bad weather add."""

from common import A, SIDE, composed, np


def opencv():
    import cv2

    d, speck = np.empty_like(A), np.empty((SIDE, SIDE), np.uint8)
    noise, plane = np.empty((SIDE, SIDE, 3), np.float32), np.empty((SIDE, SIDE), np.float32)
    normals, black, white = np.empty((SIDE, SIDE, 3), np.int16), np.zeros_like(A), np.full_like(A, 255)
    # Luminance, and the differences of blue and red to it.
    mix = np.float32([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])

    def salt_and_pepper():
        # Of 256 levels 13 are a share of 0.05.
        np.copyto(d, A)
        cv2.randu(speck, 0, 256)
        cv2.copyTo(black, cv2.inRange(speck, 0, 6), d)
        cv2.copyTo(white, cv2.inRange(speck, 7, 12), d)

    def iso_noise():
        cv2.randn(normals, (0, 0, 0), (8, 8, 8))
        cv2.add(A, cv2.transform(normals, mix), dst=d, dtype=cv2.CV_8U)

    def multiply():
        cv2.randu(plane, 0.85, 1.15)
        cv2.multiply(A, cv2.merge([plane] * 3, dst=noise), dst=d, dtype=cv2.CV_8U)

    def multiply_rgb():
        cv2.randu(noise, (0.85,) * 3, (1.15,) * 3)
        cv2.multiply(A, noise, dst=d, dtype=cv2.CV_8U)

    def speckle():
        cv2.randn(noise, (1,) * 3, (0.1,) * 3)
        cv2.multiply(A, noise, dst=d, dtype=cv2.CV_8U)

    return {
        "salt_and_pepper": salt_and_pepper,
        "iso_noise": iso_noise,
        "multiplicative_noise": multiply,
        "multiplicative_noise_rgb": multiply_rgb,
        "speckle": speckle,
    }


def albumentations():
    import albumentations as alb

    factors = {"elementwise": True, "p": 1}
    # Light that falls off by a Gaussian takes what vignetting does: a weight for each pixel, by its distance.
    dark = {"intensity_range": (0.2, 0.2), "effect_type": "darken", "center_range": (0.45, 0.55)}
    return composed(
        {
            "salt_and_pepper": alb.SaltAndPepper((0.05, 0.05), (0.5, 0.5), p=1),
            "iso_noise": alb.ISONoise((0.03, 0.03), (0.3, 0.3), p=1),
            "multiplicative_noise": alb.MultiplicativeNoise((0.85, 1.15), per_channel=False, **factors),
            "multiplicative_noise_rgb": alb.MultiplicativeNoise((0.85, 1.15), per_channel=True, **factors),
            "vignetting": alb.Illumination("gaussian", **dark, sigma_range=(0.7, 0.7), p=1),
            "fog": alb.RandomFog(0.08, (0.5, 0.5), p=1),
            # Without its blur, which ours does not have: its streaks are as wide as they are drawn.
            "rain": alb.RandomRain((8, 8), 20, 1, blur_value=1, rain_type="heavy", p=1),
            "snow": alb.RandomSnow(2.5, (0.2, 0.2), "texture", p=1),
            "sun_flare": alb.RandomSunFlare((0, 0, 1, 0.5), 128, num_flare_circles_range=(6, 6), p=1),
            "shadow": alb.RandomShadow((0, 0, 1, 1), (2, 2), 5, (0.5, 0.5), p=1),
        }
    )


def skimage():
    from skimage.util import random_noise

    return {
        "salt_and_pepper": lambda: random_noise(A, "s&p", amount=0.05),
        "speckle": lambda: random_noise(A, "speckle", var=0.01),
    }
