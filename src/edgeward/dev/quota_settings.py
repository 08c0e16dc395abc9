"""Which quotas differ from AWS's: `quotas.json` in the state folder, which `edgeward dev` and `edgeward api` read.

`{"cloudfront": {"Distributions per AWS account": 2000}}`; all names are in docs/reference/quotas.md.
"""

import json
from pathlib import Path

from edgeward.aws.quotas import AWS_QUOTAS, Quotas, QuotaSettingsError, read_quotas
from edgeward.dev.errors import DevError
from edgeward.services.quotas import ALL


def quota_settings(path: Path) -> Quotas:
    """The quotas in force; AWS's when there is no file. Raises `DevError` for one that says something else."""
    if not path.exists():
        return AWS_QUOTAS
    try:
        return read_quotas(json.loads(path.read_text()), ALL)
    except (OSError, ValueError, RecursionError) as error:
        raise DevError(f"{path} cannot be read as JSON ({error}); mend it, or remove it for AWS's quotas") from error
    except QuotaSettingsError as error:
        raise DevError(f"{path}: {error}") from error
