"""Two clips by formula to their PSNR and SSIM by scikit-image: golden/measures.json. Made by the version of scikit-image that the file names."""
import json

import numpy as np
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

F, H, W = 2, 16, 20


def clips():
    """u8 [F, H, W, 3]: a pattern, and the same with an error of -10 to 10 that depends on the place."""
    f, y, x, c = np.ogrid[:F, :H, :W, :3]
    wanted = (37 * f + 5 * y + 3 * x + 80 * c) % 256
    return wanted.astype(np.uint8), np.clip(wanted + (x * y + f) % 21 - 10, 0, 255).astype(np.uint8)


def main():
    wanted, found = clips()
    similar = [structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1)
               for a, b in zip(wanted, found)]
    report = {"scikit-image": skimage.__version__, "psnr": peak_signal_noise_ratio(wanted, found, data_range=255), "ssim": float(np.mean(similar))}
    with open("../measures.json", "w") as file:
        file.write(json.dumps(report, indent=2) + "\n")
    print(report)


if __name__ == "__main__":
    main()
