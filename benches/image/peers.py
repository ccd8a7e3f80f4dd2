"""What run.py measures of other libraries in Python, here and in the files `peers_*.py`: OpenCV, albumentations, torchvision,
Pillow and Pillow-SIMD, scikit-image, SciPy, NumPy, or PyTorch.

Reads names of operations, one a line, and answers each with the least time of a call in nanoseconds, or with `none`.
Everything is on one thread, into a buffer that is there already where the library takes one.
"""

import sys

import peers_batches
import peers_colour
import peers_geometry
import peers_noise
import peers_occlusion
from common import A, A224, B, PART, SIDE, SMALL, np, random
from turns import least

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def line(n):
    """The weights of a line of `n` pixels at 30 degrees."""
    import cv2

    weights = np.zeros((n, n), np.float32)
    rise = round(n / 2 * 0.577)
    cv2.line(weights, (0, n // 2 + rise), (n - 1, n // 2 - rise), 1.0)
    return weights / weights.sum()


def opencv():
    import cv2

    cv2.setNumThreads(1)
    d, d224 = np.empty_like(A), np.empty_like(A224)
    grey, hsv = np.empty((SIDE, SIDE), np.uint8), np.empty_like(A)
    numbers, planes = np.empty((SIDE, SIDE, 3), np.float32), np.empty((3, SIDE, SIDE), np.float32)
    noise = np.empty((SIDE, SIDE, 3), np.int16)
    levels = np.arange(256)
    bright = np.clip(levels * 1.2 - 20, 0, 255).astype(np.uint8)
    gamma = np.rint(255 * (levels / 255) ** 1.5).astype(np.uint8)
    turned = ((levels + 20) % 180).astype(np.uint8)
    lookup = np.stack([((levels / 255 - m) / s).astype(np.float32) for m, s in zip(MEAN, STD)], -1)[None]
    rotation = cv2.getRotationMatrix2D((255.5, 255.5), 15, 1.0)
    affine = np.array([[0.9, 0.12, 11.5], [-0.08, 0.95, 20.25]])
    corners = np.float32([[0, 0], [511, 0], [511, 511], [0, 511]])
    view = cv2.getPerspectiveTransform(corners, np.float32([[20, 30], [490, 10], [500, 480], [15, 505]]))
    reflect = cv2.BORDER_REFLECT_101
    outside = {"borderMode": reflect}
    at = [0]

    def crop():
        k = at[0] = (at[0] + 37) % 288
        np.copyto(d224, A[287 - k : 511 - k, k : k + PART])

    def cutout():
        np.copyto(d, A)
        for i in range(8):
            y, x = i * 97 % 480, i * 61 % 480
            d[y : y + 32, x : x + 32] = 0

    def cutmix():
        np.copyto(d, A)
        d[100:380, 60:340] = B[100:380, 60:340]

    def chw():
        for c, plane in enumerate(cv2.split(A)):
            cv2.LUT(plane, lookup[0, :, c].copy(), dst=planes[c])

    def hue():
        cv2.cvtColor(A, cv2.COLOR_RGB2HSV, dst=hsv)
        hsv[..., 0] = cv2.LUT(hsv[..., 0], turned)
        cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB, dst=d)

    def gaussian_noise():
        cv2.randn(noise, (0, 0, 0), (10, 10, 10))
        cv2.add(A, noise, dst=d, dtype=cv2.CV_8U)

    parts = [np.empty((SIDE, SIDE), np.uint8) for _ in range(3)]

    old = np.float32([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    one, tiles = np.ascontiguousarray(A[..., 0]), cv2.createCLAHE(2.0, (8, 8))

    def equalise():
        cv2.split(A, parts)
        for part in parts:
            cv2.equalizeHist(part, dst=part)
        cv2.merge(parts, dst=d)
    ones, line9, line15 = (lambda n: np.ones((n, n), np.uint8)), np.full((1, 9), 1 / 9, np.float32), line(15)
    y, x = np.mgrid[-3:4, -3:4]
    disc = (x * x + y * y <= 10).astype(np.float32)
    disc /= disc.sum()
    relief = 0.4 * np.float32([[-1.5, -0.5, 0], [-0.5, 1, 0.5], [0, 0.5, 1.5]])
    relief[1, 1] += 0.6
    dense = np.outer(np.hanning(17)[1:-1], np.hanning(17)[1:-1]).astype(np.float32)
    dense /= dense.sum()
    small = np.empty((SIDE // 4, SIDE // 4, 3), np.uint8)

    def kernel(weights):
        return lambda: cv2.filter2D(A, -1, weights, dst=d, borderType=reflect)

    def sharpen():
        smooth = np.ones((3, 3), np.float32) / 13
        smooth[1, 1] = 5 / 13
        cv2.filter2D(A, -1, smooth, dst=d, borderType=reflect)
        cv2.addWeighted(A, 1.7, d, -0.7, 0, dst=d)

    def unsharp_mask():
        cv2.GaussianBlur(A, (9, 9), 1.5, dst=d, borderType=reflect)
        cv2.addWeighted(A, 1.8, d, -0.8, 0, dst=d)

    def downscale():
        cv2.resize(A, (SIDE // 4, SIDE // 4), dst=small, interpolation=cv2.INTER_AREA)
        cv2.resize(small, (SIDE, SIDE), dst=d, interpolation=cv2.INTER_NEAREST)

    # Few codes, as photos have: ours does not depend on the picture, and noise takes the peers longer.
    soft = cv2.GaussianBlur(A, (0, 0), 3)

    def jpeg():
        _, file = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 75])
        cv2.imdecode(file, cv2.IMREAD_COLOR)

    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    draws = np.random.default_rng(5)

    def elastic():
        field = lambda: cv2.GaussianBlur(draws.random((SIDE, SIDE), np.float32) * 2 - 1, (17, 17), 4) * 50
        cv2.remap(A, columns + field(), rows + field(), cv2.INTER_LINEAR, dst=d, **outside)

    def warp(matrix, flags, do=cv2.warpAffine):
        return lambda: do(A, matrix, (SIDE, SIDE), dst=d, flags=flags, **outside)

    return {
        "hflip": lambda: cv2.flip(A, 1, dst=d),
        "vflip": lambda: cv2.flip(A, 0, dst=d),
        "rot90": lambda: cv2.rotate(A, cv2.ROTATE_90_COUNTERCLOCKWISE, dst=d),
        "transpose": lambda: cv2.transpose(A, dst=d),
        "crop224": crop,
        "cutout": cutout,
        "cutmix": cutmix,
        "brightness_contrast": lambda: cv2.LUT(A, bright, dst=d),
        "gamma": lambda: cv2.LUT(A, gamma, dst=d),
        "greyscale": lambda: cv2.cvtColor(A, cv2.COLOR_RGB2GRAY, dst=grey),
        "normalise": lambda: cv2.LUT(A, lookup, dst=numbers),
        "normalise_chw": chw,
        "mixup": lambda: cv2.addWeighted(A, 0.7, B, 0.3, 0, dst=d),
        "hue": hue,
        "gaussian_noise": gaussian_noise,
        "equalise": equalise,
        "rgb_to_hsv": lambda: cv2.cvtColor(A, cv2.COLOR_RGB2HSV_FULL, dst=hsv),
        "hsv_to_rgb": lambda: cv2.cvtColor(A, cv2.COLOR_HSV2RGB_FULL, dst=d),
        "rgb_to_lab": lambda: cv2.cvtColor(A, cv2.COLOR_RGB2Lab, dst=d),
        "lab_to_rgb": lambda: cv2.cvtColor(A, cv2.COLOR_Lab2RGB, dst=d),
        "sepia": lambda: cv2.transform(A, old, dst=d),
        "clahe_grey": lambda: tiles.apply(one, dst=grey),
        "resize_224_512_bilinear": lambda: cv2.resize(A224, (SIDE, SIDE), dst=d, interpolation=cv2.INTER_LINEAR),
        "rotate": warp(rotation, cv2.INTER_LINEAR),
        "elastic": elastic,
        "affine": warp(affine, cv2.INTER_LINEAR),
        "perspective": warp(view, cv2.INTER_LINEAR, cv2.warpPerspective),
        "rotate_nearest": warp(rotation, cv2.INTER_NEAREST),
        "rotate_bicubic": warp(rotation, cv2.INTER_CUBIC),
        "gaussian_blur": lambda: cv2.GaussianBlur(A, (9, 9), 1.5, dst=d, borderType=reflect),
        "box_blur": lambda: cv2.blur(A, (5, 5), dst=d, borderType=reflect),
        "median_3": lambda: cv2.medianBlur(A, 3, dst=d),
        "median_5": lambda: cv2.medianBlur(A, 5, dst=d),
        "median_7": lambda: cv2.medianBlur(A, 7, dst=d),
        "motion_9": kernel(line9),
        "motion_15": kernel(line15),
        "defocus": kernel(disc),
        "sharpen": sharpen,
        "unsharp_mask": unsharp_mask,
        "emboss": kernel(relief),
        "bilateral": lambda: cv2.bilateralFilter(A, 5, 60, 2, dst=d, borderType=reflect),
        "erode_3": lambda: cv2.erode(A, ones(3), dst=d),
        "erode_11": lambda: cv2.erode(A, ones(11), dst=d),
        "downscale": downscale,
        "ringing": kernel(dense),
        "jpeg_q75": jpeg,
    }


def albumentations():
    import albumentations as alb
    import cv2

    cv2.setNumThreads(1)
    reflect = cv2.BORDER_REFLECT_101
    one = {
        "hflip": alb.HorizontalFlip(p=1),
        "vflip": alb.VerticalFlip(p=1),
        "transpose": alb.Transpose(p=1),
        "crop224": alb.RandomCrop(PART, PART, p=1),
        "brightness_contrast": alb.RandomBrightnessContrast((0.1, 0.1), (0.2, 0.2), p=1),
        "gamma": alb.RandomGamma((150, 150), p=1),
        "greyscale": alb.ToGray(p=1),
        "normalise": alb.Normalize(p=1),
        "hue": alb.HueSaturationValue((20, 20), (0, 0), (0, 0), p=1),
        "colour_jitter": alb.ColorJitter((1.2, 1.2), (1.2, 1.2), (1.2, 1.2), (0.05, 0.05), p=1),
        "equalise": alb.Equalize(mode="cv", p=1),
        "sepia": alb.ToSepia(p=1),
        "planckian_jitter": alb.PlanckianJitter(temperature_limit=(4000, 8000), p=1),
        "fancy_pca": alb.FancyPCA(alpha=0.5, p=1),
        "clahe": alb.CLAHE((2, 2), (8, 8), p=1),
        "autocontrast": alb.AutoContrast(cutoff=2, method="pil", p=1),
        "gaussian_noise": alb.GaussNoise(std_range=(10 / 255, 10 / 255), p=1),
        "rotate": alb.Rotate((15, 15), border_mode=reflect, p=1),
        "elastic": alb.ElasticTransform(50, 4, border_mode=reflect, p=1),
        "elastic_smooth": alb.ElasticTransform(800, 40, border_mode=reflect, p=1),
        "grid_distortion": alb.GridDistortion(5, (-0.3, 0.3), border_mode=reflect, p=1),
        "optical_distortion": alb.OpticalDistortion((0.1, 0.1), border_mode=reflect, p=1),
        "thin_plate": alb.ThinPlateSpline((0.05, 0.05), 4, border_mode=reflect, p=1),
        "perspective": alb.Perspective(scale=(0.05, 0.05), border_mode=reflect, p=1),
        "median_3": alb.MedianBlur((3, 3), p=1),
        "median_5": alb.MedianBlur((5, 5), p=1),
        "median_7": alb.MedianBlur((7, 7), p=1),
        "motion_9": alb.MotionBlur((9, 9), angle_range=(0, 0), direction_range=(0, 0), allow_shifted=False, p=1),
        "motion_15": alb.MotionBlur((15, 15), angle_range=(30, 30), direction_range=(0, 0), allow_shifted=False, p=1),
        "defocus": alb.Defocus((3, 3), (0.1, 0.1), p=1),
        "zoom_blur": alb.ZoomBlur((1.1, 1.1), (0.01, 0.01), p=1),
        "glass_blur": alb.GlassBlur(0.7, 2, 1, p=1),
        "sharpen": alb.Sharpen((0.5, 0.5), (1, 1), p=1),
        "unsharp_mask": alb.UnsharpMask((9, 9), (1.5, 1.5), (0.8, 0.8), 3, p=1),
        "emboss": alb.Emboss((0.4, 0.4), (0.5, 0.5), p=1),
        "erode_3": alb.Morphological((3, 3), "erosion", p=1),
        "erode_11": alb.Morphological((11, 11), "erosion", p=1),
        "downscale": alb.Downscale((0.25, 0.25), {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_NEAREST}, p=1),
        "chromatic_aberration": alb.ChromaticAberration((0.01, 0.01), (0.01, 0.01), p=1),
        "ringing": alb.RingingOvershoot((15, 15), (1.2, 1.2), p=1),
        "shot_noise": alb.ShotNoise((0.01, 0.01), p=1),
        "gaussian_blur": alb.GaussianBlur(blur_limit=(9, 9), sigma_limit=(1.5, 1.5), p=1),
    }
    ops = {name: (lambda run: lambda: run(image=A))(alb.Compose([op], seed=1)) for name, op in one.items()}
    adapt = alb.Compose([alb.FDA(beta_limit=(0.05, 0.05), metadata_key="others", p=1)], seed=1)
    ops["fourier_adaptation"] = lambda: adapt(image=A, others=[B])
    train = alb.Compose(
        [
            alb.RandomResizedCrop((PART, PART), scale=(0.5, 1.0), p=1),
            alb.HorizontalFlip(p=0.5),
            alb.ColorJitter(0.2, 0.2, 0.2, 0.05, p=1),
            alb.Normalize(),
        ],
        seed=1,
    )
    small = alb.Compose(
        [alb.Pad(4, border_mode=reflect, p=1), alb.RandomCrop(32, 32, p=1), alb.HorizontalFlip(p=0.5), alb.Normalize()],
        seed=1,
    )
    images = random.integers(0, 256, (SMALL, 32, 32, 3), np.uint8)

    def batch():
        for image in images:
            small(image=image)

    return ops | {"training_pipeline": lambda: train(image=A), "small_batch": batch}


def pillow():
    from io import BytesIO

    from PIL import Image, ImageEnhance, ImageFilter, ImageOps

    whole, part = Image.fromarray(A), Image.fromarray(A224)
    turn, how = Image.Transpose, Image.Resampling
    soft = whole.filter(ImageFilter.GaussianBlur(3))

    def jpeg():
        file = BytesIO()
        soft.save(file, "JPEG", quality=75, subsampling=2)
        Image.open(file).load()

    return {
        "equalise": lambda: ImageOps.equalize(whole),
        "autocontrast": lambda: ImageOps.autocontrast(whole, cutoff=2),
        "rot90": lambda: whole.transpose(turn.ROTATE_90),
        "transpose": lambda: whole.transpose(turn.TRANSPOSE),
        "sharpen": lambda: ImageEnhance.Sharpness(whole).enhance(1.7),
        "unsharp_mask": lambda: whole.filter(ImageFilter.UnsharpMask(1.5, 80, 3)),
        "jpeg_q75": jpeg,
        "median_3": lambda: whole.filter(ImageFilter.MedianFilter(3)),
        "erode_3": lambda: whole.filter(ImageFilter.MinFilter(3)),
        "resize_512_224_bilinear": lambda: whole.resize((PART, PART), how.BILINEAR),
        "resize_512_224_bicubic": lambda: whole.resize((PART, PART), how.BICUBIC),
        "resize_512_224_lanczos3": lambda: whole.resize((PART, PART), how.LANCZOS),
        "resize_224_512_bilinear": lambda: part.resize((SIDE, SIDE), how.BILINEAR),
    }


def torchvision():
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    image = torch.from_numpy(A).permute(2, 0, 1).contiguous()
    bilinear = v2.InterpolationMode.BILINEAR
    policies = {
        "rand_augment": v2.RandAugment(2, 9, interpolation=bilinear, fill=128),
        "auto_augment_imagenet": v2.AutoAugment(v2.AutoAugmentPolicy.IMAGENET, bilinear, fill=128),
        "auto_augment_cifar10": v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10, bilinear, fill=128),
        "auto_augment_svhn": v2.AutoAugment(v2.AutoAugmentPolicy.SVHN, bilinear, fill=128),
        "trivial_augment_wide": v2.TrivialAugmentWide(interpolation=bilinear, fill=128),
        "aug_mix": v2.AugMix(interpolation=bilinear, fill=128),
    }

    def ten(policy):
        # The same draws in all calls, of which the least counts.
        torch.manual_seed(1)
        for _ in range(10):
            policy(image)

    return {name: (lambda policy: lambda: ten(policy))(policy) for name, policy in policies.items()}


def main():
    families = [sys.modules[__name__], peers_geometry, peers_colour, peers_noise, peers_occlusion, peers_batches]
    ops = {}
    for family in families:
        # A family has a function for each library that it calls, with the library's name.
        ops |= getattr(family, sys.argv[1], dict)()
    for line in sys.stdin:
        op = ops.get(line.strip())
        if op is None:
            print("none", flush=True)
            continue
        # Small images are told per image; our program is given 10,000 of them.
        scale = 10_000 / SMALL if line.strip() == "small_batch" else 1
        print(least(op) * scale, flush=True)


main()
