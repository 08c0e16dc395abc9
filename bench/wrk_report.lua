-- Prints wrk's own totals as one line of JSON after the run. By itself it defines no request(), so wrk keeps its
-- fast path: one request built before the run and sent as it is.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nwrk-report {"requests": %d, "bytes": %d, "microseconds": %d, "errors": {"connect": %d, "read": %d, ' ..
    '"write": %d, "timeout": %d, "status": %d}}\n',
    summary.requests, summary.bytes, summary.duration, errors.connect, errors.read,
    errors.write, errors.timeout, errors.status))
end
