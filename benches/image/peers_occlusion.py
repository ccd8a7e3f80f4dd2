"""Parts that are hidden."""

from common import A, SIDE, composed, np

# Eight discs, 100 pixels wide, with a label each.
LABELS = np.zeros((SIDE, SIDE), np.uint8)
y, x = np.mgrid[:SIDE, :SIDE]
for disc in range(8):
    down, right = y - 128 - disc // 4 * 256, x - 64 - disc % 4 * 128
    LABELS[down * down + right * right <= 50 * 50] = disc + 1


def opencv():
    import cv2

    d, labels = np.empty_like(A), np.empty_like(LABELS)
    speck, black = np.empty((SIDE, SIDE), np.uint8), np.zeros_like(A)
    stay = np.full(256, 255, np.uint8)
    stay[[3, 6]] = 0
    draws = np.random.default_rng(3)

    def grid_dropout():
        np.copyto(d, A)
        top, left = draws.integers(0, 64, 2)
        for y in range(top - 64, SIDE, 64):
            for x in range(left - 64, SIDE, 64):
                d[max(y, 0) : max(y + 32, 0), max(x, 0) : max(x + 32, 0)] = 0

    def pixel_dropout():
        # Of 256 levels 13 are a share of 0.05.
        np.copyto(d, A)
        cv2.randu(speck, 0, 256)
        cv2.copyTo(black, cv2.inRange(speck, 0, 12), d)

    def coarse_dropout():
        np.copyto(d, A)
        for y, x in draws.integers(0, SIDE - 51, (8, 2)):
            d[y : y + 51, x : x + 51] = 0

    def xy_masking():
        np.copyto(d, A)
        for thick, place in draws.integers((26, 0), (52, SIDE - 51), (2, 2)):
            d[:, place : place + thick] = 0
        for thick, place in draws.integers((26, 0), (52, SIDE - 51), (2, 2)):
            d[place : place + thick] = 0

    def random_erasing():
        np.copyto(d, A)
        cv2.randu(d[100:260, 120:320], (0,) * 3, (256,) * 3)

    def mask_dropout():
        left = cv2.LUT(LABELS, stay)
        d[:] = 0
        cv2.copyTo(A, left, d)
        cv2.bitwise_and(LABELS, left, dst=labels)

    return {
        "grid_dropout": grid_dropout,
        "pixel_dropout": pixel_dropout,
        "coarse_dropout": coarse_dropout,
        "xy_masking": xy_masking,
        "random_erasing": random_erasing,
        "mask_dropout": mask_dropout,
    }


def albumentations():
    import albumentations as alb

    thick = (26, 51)
    ops = composed(
        {
            "grid_dropout": alb.GridDropout(0.5, unit_size_range=(64, 65), p=1),
            "pixel_dropout": alb.PixelDropout(0.05, p=1),
            "coarse_dropout": alb.CoarseDropout((8, 8), (0.1, 0.1), (0.1, 0.1), p=1),
            "xy_masking": alb.XYMasking((2, 2), (2, 2), thick, thick, p=1),
            "random_erasing": alb.Erasing((0.122, 0.122), (1.25, 1.25), "random", p=1),
        }
    )
    return ops | composed({"mask_dropout": alb.MaskDropout((2, 2), p=1)}, mask=LABELS)
