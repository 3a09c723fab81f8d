"""Networks by name. A network is an ordinary torch.nn.Module; to add one, write a file and add a line here."""

from collections.abc import Callable

from seefar.models.layers import Network
from seefar.models.plain import Plain

MODELS: dict[str, Callable[..., Network]] = {
    "plain": Plain,
}
