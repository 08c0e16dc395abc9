"""What of a checker's report counts."""

from tlscheck.findings import Finding, missing, read_sslyze, read_testssl, unexplained

PRINTED = """
 COMPLIANCE AGAINST TLS CONFIGURATION
 ------------------------------------

    Checking results against Mozilla's "modern" configuration. See https://ssl-config.mozilla.org/ for more details.

    localhost:42825: {}
"""


def test_testssl_is_right_but_where_it_is_explained() -> None:
    report = [
        {"id": "TLS1", "severity": "OK", "finding": "not offered"},
        {"id": "HSTS", "severity": "LOW", "finding": "not offered"},
        {"id": "BREACH", "severity": "HIGH", "finding": "gzip"},
    ]
    assert unexplained(read_testssl(report)) == [Finding("BREACH", "HIGH", "gzip")]


def test_what_testssl_has_to_find_is_missed() -> None:
    good = {"id": "cert_ocspRevoked", "severity": "OK", "finding": "not revoked"}
    without = {"id": "OCSP_stapling", "severity": "LOW", "finding": "not offered"}
    (found,) = missing(read_testssl([good, without]))
    assert (found.name, found.severity) == ("OCSP_stapling", "MISSING")
    assert missing(read_testssl([good, without | {"finding": "offered"}])) == []


def test_sslyze_says_yes_or_why_not() -> None:
    refused = "FAILED - Not compliant.\n        * tls_versions: TLS versions {'TLSv1.2'} are supported.\n"
    (found,) = read_sslyze(PRINTED.format(refused))
    assert (found.name, found.severity) == ("tls_versions", "FAILED")
    assert read_sslyze(PRINTED.format("OK - Compliant.")) == []


def test_a_checker_that_broke_off_found_something() -> None:
    assert read_sslyze("Traceback")[0].severity == "FATAL"
    assert read_sslyze(PRINTED.format("ERROR - Scan did not run"))[0].severity == "FATAL"
