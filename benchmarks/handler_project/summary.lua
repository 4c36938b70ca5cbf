-- Prints what was answered, what failed (an answer whose status is not 200 too) and how long it took.

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("\n%d %d %d\n", summary.requests, failed, summary.duration))
end
