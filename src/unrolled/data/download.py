"""One file from its pinned address, through pooch: resumed where it was cut off, checked before use."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.base.errors import UnrolledError

if TYPE_CHECKING:
    import requests

    from unrolled.data.registry import File

TIMEOUT = 30.0  # seconds without a byte


class OtherFile(Exception):
    """The server gives something else under the address: a login page, a shorter or a longer file."""


class Resuming:
    """A downloader for pooch that keeps what it got in ``<name>.part`` and asks only for the rest.

    pooch's own downloader starts again from nothing; it also has no way to say that a file was cut off.
    """

    def __init__(self, part: Path, size: int) -> None:
        self.part, self.size = part, size

    def __call__(self, url: str, output_file: object, pooch: object, check_only: bool = False) -> None:
        import requests

        have = self.part.stat().st_size if self.part.is_file() else 0
        if have > self.size:
            have = 0
        while have < self.size:
            # The bytes must come as they are: a body that is compressed on the way has other positions.
            headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
            with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as answer:
                if have and answer.status_code == 416:  # what was kept is of another file
                    have = 0
                    continue
                answer.raise_for_status()
                begins = answer.headers.get("Content-Range", f"bytes {have}-").startswith(f"bytes {have}-")
                if have and answer.status_code == 206 and not begins:
                    have = 0
                    continue
                self._keep(answer, have if answer.status_code == 206 else 0)
            break
        have = self.part.stat().st_size
        if have < self.size:
            raise requests.exceptions.ChunkedEncodingError(f"cut off after {have} of {self.size} bytes")
        shutil.copyfile(self.part, str(output_file))

    def _keep(self, answer: requests.Response, have: int) -> None:
        """Write the body behind the ``have`` bytes that are there.

        Raises:
            OtherFile: if its length is not what is missing; nothing of it is kept.
        """
        from tqdm import tqdm

        said = answer.headers.get("Content-Length", "")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        total = have + int(said) if said.isdecimal() else self.size
        if total != self.size and not answer.headers.get("Content-Encoding"):
            raise OtherFile(f"{total:,} bytes{f' of {kind}' if kind else ''} in place of {self.size:,}")
        name = self.part.name.removesuffix(".part")
        shown = {
            "unit": "B",
            "unit_scale": True,
            "desc": name,
            "leave": False,
            "disable": not sys.stderr.isatty(),
        }
        with (
            open(self.part, "ab" if have else "wb") as file,
            tqdm(total=self.size, initial=have, **shown) as bar,
        ):
            for chunk in answer.iter_content(1 << 16):
                have += len(chunk)
                if have > self.size:
                    raise OtherFile(f"more than {self.size:,} bytes")
                file.write(chunk)
                bar.update(len(chunk))
        if have < self.size and not said and kind == "text/html":
            raise OtherFile(f"{have:,} bytes of {kind} in place of {self.size:,}")


def download(file: File, path: Path) -> Path:
    """Download one pinned file to ``path``; it takes that name only after its SHA-256 was found right.

    Of several processes that need it one downloads, and the others wait.

    Raises:
        UnrolledError: if the address does not answer, the file is cut off (the next call resumes), its sum
            differs, or the disk is full.
    """
    import pooch
    import requests
    from filelock import FileLock

    part = path.with_name(path.name + ".part")
    by_hand = (
        f"or put the file into the folder that UNROLLED_DATA_MIRROR names, as {path.parent.name}/{path.name}"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < 2 * file.bytes:
            raise OSError(errno.ENOSPC, f"{2 * file.bytes:,} bytes are needed and {free:,} are free")
        pooch.get_logger().setLevel("WARNING")
        with FileLock(path.with_name(f".{path.name}.lock")):
            pooch.retrieve(  # what another process has brought meanwhile is checked, and not fetched again
                file.url,
                known_hash=f"sha256:{file.sha256}",
                fname=path.name,
                path=path.parent,
                downloader=Resuming(part, file.bytes),
            )
            part.unlink(missing_ok=True)
    except OtherFile as error:
        part.unlink(missing_ok=True)
        raise UnrolledError(
            f"{file.url} gives {error}",
            hint=f"a login page, or another file lies there now; nothing was kept; {by_hand}",
        ) from error
    except requests.exceptions.HTTPError as error:
        code = error.response.status_code if error.response is not None else "an error"
        raise UnrolledError(f"{file.url} answers {code}", hint=f"try later, {by_hand}") from error
    except requests.exceptions.RequestException as error:
        if not part.is_file() or not part.stat().st_size:
            raise UnrolledError(
                f"{file.url} cannot be reached", hint=f"connect to the network, {by_hand}"
            ) from error
        raise UnrolledError(
            f"{file.url}: the download was cut off after {part.stat().st_size:,} of {file.bytes:,} bytes",
            file=part,
            hint="call again: it goes on from there",
        ) from error
    except ValueError as error:  # pooch's word for a sum that differs; the wrong bytes are thrown away
        from unrolled.base.files import sha256

        found = sha256(part) if part.is_file() else "unknown"
        part.unlink(missing_ok=True)
        raise UnrolledError(
            f"{file.url}: SHA-256 is {found}; expected {file.sha256}",
            hint=f"the file at that address has changed; nothing was kept; {by_hand}",
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnrolledError(
                f"no space for {file.name}: {error.strerror}",
                file=path.parent,
                hint="make room, or set UNROLLED_DATA to another folder",
            ) from error
        raise UnrolledError(
            f"cannot be written: {error.strerror}", file=path, hint="set UNROLLED_DATA to another folder"
        ) from error
    return path
