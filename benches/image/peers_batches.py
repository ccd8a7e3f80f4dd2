"""DiffAugment in PyTorch, in the steps of the paper's code: a batch of 64 x 28 x 28."""


def pytorch():
    import torch
    from torch.nn.functional import pad

    torch.set_num_threads(1)
    torch.manual_seed(1)
    images, side = 64, 28
    x = torch.rand(images, 1, side, side) * 2 - 1
    whole = x.clone().requires_grad_()
    shift, hole = round(side / 8), side // 2
    number = lambda: torch.rand(images, 1, 1, 1)
    place = lambda low, high: torch.randint(low, high, (images, 1, 1))
    grid = lambda n: torch.meshgrid(torch.arange(images), torch.arange(n), torch.arange(n), indexing="ij")

    def augment(x):
        x = x + (number() - 0.5)
        mean = x.mean(dim=1, keepdim=True)
        x = (x - mean) * (number() * 2) + mean
        mean = x.mean(dim=[1, 2, 3], keepdim=True)
        x = (x - mean) * (number() + 0.5) + mean
        batch, rows, columns = grid(side)
        rows = torch.clamp(rows + place(-shift, shift + 1) + 1, 0, side + 1)
        columns = torch.clamp(columns + place(-shift, shift + 1) + 1, 0, side + 1)
        x = pad(x, [1, 1, 1, 1]).permute(0, 2, 3, 1).contiguous()[batch, rows, columns].permute(0, 3, 1, 2)
        batch, rows, columns = grid(hole)
        rows = torch.clamp(rows + place(0, side + 1) - hole // 2, 0, side - 1)
        columns = torch.clamp(columns + place(0, side + 1) - hole // 2, 0, side - 1)
        mask = torch.ones(images, side, side)
        mask[batch, rows, columns] = 0
        return x * mask.unsqueeze(1)

    def back():
        y = augment(whole)
        torch.autograd.grad(y, whole, y.detach())

    return {"diff_augment": lambda: augment(x), "diff_augment_back": back}
