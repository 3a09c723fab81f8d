"""Many small pictures as one PNG in an address that holds it: what a page opens without asking anybody."""

import base64
import io
import math
from typing import Any

import numpy as np
from PIL import Image


def sheet(pixels: np.ndarray) -> dict[str, Any]:
    """Pictures uint8 `(n, h, w, 3)` side by side; every pixel stays as it is. As JSON has it: see `Sheet` in web/playground/model.ts."""
    count, height, width = pixels.shape[:3]
    columns = max(1, math.isqrt(count))
    rows = max(1, math.ceil(count / columns))
    whole = np.zeros((rows * columns, height, width, 3), np.uint8)
    whole[:count] = pixels
    joined = whole.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3)
    file = io.BytesIO()
    Image.fromarray(joined).save(file, "PNG")
    return {
        "url": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}",
        "columns": columns,
        "count": count,
    }
