"""Networks by name. A network is an ordinary torch.nn.Module; to add one, write a file and add a line here."""

from collections.abc import Callable

from seefar.models.fast import Fast
from seefar.models.layers import Network
from seefar.models.vgg import Vgg

# Each takes (classes, size, widths, batch_norm, spatial_dropout, dense, dropout); vgg.py says what they are.
MODELS: dict[str, Callable[..., Network]] = {
    "vgg": Vgg,
    "fast": Fast,
}
