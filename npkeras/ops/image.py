"""`npkeras.ops.image`: images in other sizes, colours and shapes."""

from npkeras.ops.affine import affine_transform
from npkeras.ops.colors import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from npkeras.ops.edges import crop_images, pad_images
from npkeras.ops.patches import extract_patches, extract_patches_3d
from npkeras.ops.resizing import resize

__all__ = [
    "affine_transform",
    "crop_images",
    "extract_patches",
    "extract_patches_3d",
    "hsv_to_rgb",
    "pad_images",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]
