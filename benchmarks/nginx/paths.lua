-- Asks for one path after the other: a line each in the file that is named after wrk's --.
-- Counts the answers whose status is not 200: a figure with failures in it is none.

local requests = {}
local at = 0

function init(arguments)
    for path in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("GET", path)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("\n%d %d %d\n", summary.requests, failed, summary.duration))
end
