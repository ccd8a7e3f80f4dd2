"""Where things are: parts of pictures in other places, opacity, light that is resized, and volumes."""

from common import A, B, PART, SIDE, composed, np, random

OVERLAY, AT = 384, 64
OVER = random.integers(0, 256, (OVERLAY, OVERLAY, 3), np.uint8)
y, x = np.mgrid[:OVERLAY, :OVERLAY] - OVERLAY // 2
DISC = np.where(x * x + y * y <= 150 * 150, 255, 0).astype(np.uint8)
SOFT = random.integers(0, 256, (OVERLAY, OVERLAY), np.uint8)
RGBA = random.integers(0, 256, (SIDE, SIDE, 4), np.uint8)
VOLUME = random.integers(0, 256, (64, 64, 64), np.uint8)
# Rows and columns around the middle of a mosaic.
ROW, COLUMN = 300, 220
QUARTERS = [(0, 0, ROW, COLUMN), (0, COLUMN, ROW, SIDE), (ROW, 0, SIDE, COLUMN), (ROW, COLUMN, SIDE, SIDE)]


def covers():
    """Each quarter with the part of a picture that has its proportions: its top, left, bottom and right."""
    for top, left, bottom, right in QUARTERS:
        scale = min(SIDE / (bottom - top), SIDE / (right - left))
        height, width = round((bottom - top) * scale), round((right - left) * scale)
        up, aside = (SIDE - height) // 2, (SIDE - width) // 2
        yield (top, left, bottom, right), (up, aside, up + height, aside + width)


def opencv():
    import cv2

    d, d224, four = np.empty_like(A), np.empty((PART, PART, 3), np.uint8), np.empty_like(RGBA)
    v, volume = VOLUME, np.empty_like(VOLUME)
    edge = {"borderType": cv2.BORDER_REFLECT_101}
    turn = cv2.getRotationMatrix2D((31.5, 31.5), 15, 1.0)
    levels = np.arange(256) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)
    lights, small = np.empty((SIDE, SIDE, 3), np.float32), np.empty((PART, PART, 3), np.float32)
    # Back to values by a table of 16 bits: the root itself takes longer.
    shares = np.arange(65536) / 65535
    values = np.where(shares <= 0.0031308, shares * 12.92, 1.055 * shares ** (1 / 2.4) - 0.055)
    values = np.rint(values * 255).astype(np.uint8)
    draws = np.random.default_rng(3)

    def grid_shuffle():
        for to, shows in enumerate(draws.permutation(16)):
            (row, column), (from_row, from_column) = divmod(to, 4), divmod(int(shows), 4)
            part = A[from_row * 128 : from_row * 128 + 128, from_column * 128 : from_column * 128 + 128]
            d[row * 128 : row * 128 + 128, column * 128 : column * 128 + 128] = part

    def piecewise_affine():
        # Each of two triangles of a cell by a map of its own, as OpenCV's tutorials have it; nodes stay on the edges.
        at = np.linspace(0, SIDE - 1, 5, dtype=np.float32)
        here = np.stack(np.meshgrid(at, at), -1)
        there = here.copy()
        there[:, 1:-1, 0] += draws.uniform(-25.6, 25.6, (5, 3)).astype(np.float32)
        there[1:-1, :, 1] += draws.uniform(-25.6, 25.6, (3, 5)).astype(np.float32)
        for y, x in np.ndindex(4, 4):
            for corners in ([(y, x), (y, x + 1), (y + 1, x)], [(y + 1, x + 1), (y, x + 1), (y + 1, x)]):
                to = np.float32([here[corner] for corner in corners])
                source = np.float32([there[corner] for corner in corners])
                left, top, width, height = cv2.boundingRect(to)
                corner, mask = np.float32([left, top]), np.zeros((height, width), np.uint8)
                map = cv2.getAffineTransform(to - corner, source)
                flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
                part = cv2.warpAffine(A, map, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
                cv2.fillConvexPoly(mask, np.rint(to - corner).astype(np.int32), 255)
                cv2.copyTo(part, mask, d[top : top + height, left : left + width])

    def zoom_out():
        d[:] = 0
        top, left = draws.integers(0, SIDE - 341, 2)
        to = d[top : top + 341, left : left + 341]
        cv2.resize(A, (341, 341), dst=to, interpolation=cv2.INTER_AREA)

    def pad():
        cv2.copyMakeBorder(A[32:-32, 32:-32], 32, 32, 32, 32, dst=d, **edge)

    def mosaic():
        for image, (to, shows) in zip((A, B, A, B), covers()):
            top, left, bottom, right = shows
            part, size = image[top:bottom, left:right], (to[3] - to[1], to[2] - to[0])
            cv2.resize(part, size, dst=d[to[0] : to[2], to[1] : to[3]], interpolation=cv2.INTER_AREA)

    def paste_disc():
        np.copyto(d, A)
        cv2.copyTo(OVER, DISC, d[AT : AT + OVERLAY, AT : AT + OVERLAY])

    def linear_light():
        cv2.LUT(A, light, dst=lights)
        cv2.resize(lights, (PART, PART), dst=small, interpolation=cv2.INTER_AREA)
        np.take(values, (small * 65535 + 0.5).astype(np.uint16), out=d224)

    def turn_depth():
        for z in range(64):
            cv2.warpAffine(v[z], turn, (64, 64), dst=volume[z], borderMode=cv2.BORDER_REFLECT_101)

    def turn_height():
        for row in range(64):
            volume[:, row] = cv2.warpAffine(v[:, row], turn, (64, 64), borderMode=cv2.BORDER_REFLECT_101)

    def turn_width():
        for column in range(64):
            part = np.ascontiguousarray(v[:, :, column])
            volume[:, :, column] = cv2.warpAffine(part, turn, (64, 64), borderMode=cv2.BORDER_REFLECT_101)

    def flip_height():
        for z in range(64):
            cv2.flip(v[z], 0, dst=volume[z])

    rows, planes = v.reshape(64 * 64, 64), v.reshape(64, 64 * 64)
    return {
        "rot180": lambda: cv2.rotate(A, cv2.ROTATE_180, dst=d),
        "piecewise_affine": piecewise_affine,
        "grid_shuffle": grid_shuffle,
        "zoom_out": zoom_out,
        "pad_32": pad,
        "mosaic": mosaic,
        "paste_disc": paste_disc,
        "resize_linear_light": linear_light,
        "premultiply": lambda: cv2.cvtColor(RGBA, cv2.COLOR_RGBA2mRGBA, dst=four),
        "unpremultiply": lambda: cv2.cvtColor(RGBA, cv2.COLOR_mRGBA2RGBA, dst=four),
        "volume_flip_depth": lambda: cv2.flip(planes, 0, dst=volume.reshape(64, 64 * 64)),
        "volume_flip_height": flip_height,
        "volume_flip_width": lambda: cv2.flip(rows, 1, dst=volume.reshape(64 * 64, 64)),
        "volume_turn_depth": turn_depth,
        "volume_turn_height": turn_height,
        "volume_turn_width": turn_width,
    }


def albumentations():
    import albumentations as alb
    import cv2

    reflect = cv2.BORDER_REFLECT_101
    ops = composed(
        {
            "fisheye": alb.OpticalDistortion((0.3, 0.3), mode="fisheye", border_mode=reflect, p=1),
            "piecewise_affine": alb.PiecewiseAffine((0.03, 0.03), 4, 4, border_mode=reflect, p=1),
            "grid_shuffle": alb.RandomGridShuffle((4, 4), p=1),
        }
    )
    others = [{"image": image} for image in (B, A, B)]
    half = SIDE // 2
    mosaic = alb.Mosaic((2, 2), (SIDE, SIDE), (half, half), (0.5, 0.5), interpolation=cv2.INTER_AREA, p=1)
    ops |= composed({"mosaic": mosaic}, mosaic_metadata=others)
    place = [AT / SIDE, AT / SIDE, (AT + OVERLAY) / SIDE, (AT + OVERLAY) / SIDE]
    over = {"image": OVER, "mask": DISC, "bbox": place}
    return ops | composed({"paste_disc": alb.OverlayElements(p=1)}, overlay_metadata=over)


def pillow():
    from PIL import Image

    whole, other, over = (Image.fromarray(image) for image in (A, B, OVER))
    disc, soft, four = Image.fromarray(DISC), Image.fromarray(SOFT), Image.fromarray(RGBA)
    light, bilinear = four.convert("RGBa"), Image.Resampling.BILINEAR

    def zoom_out():
        image = Image.new("RGB", (SIDE, SIDE))
        image.paste(whole.resize((341, 341), bilinear), (70, 90))

    def mosaic():
        image = Image.new("RGB", (SIDE, SIDE))
        for part, (to, (top, left, bottom, right)) in zip((whole, other, whole, other), covers()):
            size, box = (to[3] - to[1], to[2] - to[0]), (left, top, right, bottom)
            image.paste(part.resize(size, bilinear, box=box), (to[1], to[0]))

    def paste(mask):
        whole.copy().paste(over, (AT, AT), mask)

    return {
        "zoom_out": zoom_out,
        "mosaic": mosaic,
        "paste_disc": lambda: paste(disc),
        "paste_soft": lambda: paste(soft),
        "rot180": lambda: whole.transpose(Image.Transpose.ROTATE_180),
        "premultiply": lambda: four.convert("RGBa"),
        "unpremultiply": lambda: light.convert("RGBA"),
    }


def torchvision():
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    image = tv_tensors.Image(torch.from_numpy(A).permute(2, 0, 1).contiguous())
    boxes = torch.tensor([[100, 120, 200, 260], [300, 40, 420, 200]])
    boxes = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(SIDE, SIDE))
    crop = v2.Compose([v2.RandomIoUCrop(), v2.Resize((PART, PART), antialias=True)])

    def ten():
        # The same draws in all calls, of which the least counts.
        torch.manual_seed(1)
        for _ in range(10):
            crop({"image": image, "boxes": boxes, "labels": torch.tensor([1, 2])})

    return {"random_iou_crop": ten}


def pytorch():
    import torch

    torch.set_num_threads(1)
    volume = torch.from_numpy(VOLUME)
    flip = lambda axis: lambda: torch.flip(volume, (axis,))
    names = ["volume_flip_depth", "volume_flip_height", "volume_flip_width"]
    return {name: flip(axis) for axis, name in enumerate(names)} | {
        # Padding by reflection is of floats there.
        "volume_crop_48": lambda: volume[8:56, 8:56, 8:56].contiguous(),
    }


def scipy():
    from scipy import ndimage

    to = np.empty_like(VOLUME)
    how = {"reshape": False, "order": 1, "mode": "mirror", "output": to}
    turn = lambda axes: lambda: ndimage.rotate(VOLUME, 15, axes=axes, **how)
    return {
        "volume_turn_depth": turn((1, 2)),
        "volume_turn_height": turn((0, 2)),
        "volume_turn_width": turn((0, 1)),
    }


def numpy():
    to = np.empty_like(VOLUME)
    names = ["volume_flip_depth", "volume_flip_height", "volume_flip_width"]
    flip = lambda axis: lambda: np.copyto(to, np.flip(VOLUME, axis))
    part = np.empty((48, 48, 48), np.uint8)
    return {name: flip(axis) for axis, name in enumerate(names)} | {
        "volume_crop_48": lambda: np.copyto(part, VOLUME[8:56, 8:56, 8:56]),
        "volume_pad_8": lambda: np.pad(VOLUME, 8, "reflect"),
    }
