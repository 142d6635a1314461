"""The MIME types under which a chapter's outputs hold data for the evidence, beside the line that is read."""

CLAIM = "application/vnd.unrolled.claim+json"
VALUE = "application/vnd.unrolled.value+json"
