-- Plays a file of requests, one a line: a path, and after a blank the value of Range if there is one.
-- Arguments: the file, and how many lines to skip. After the last line the first comes again.
dofile(os.getenv("BENCH_FOLDER") .. "/wrk_report.lua")

local requests, next_one = {}, 0

-- wrk's own request with a mark in place of the path, cut in two there: joining strings is all that is left to do.
local function head_and_tail()
  local whole = wrk.format("GET", "/@here@")
  local first, last = whole:find("/@here@", 1, true)
  return whole:sub(1, first - 1), whole:sub(last + 1)
end

local function parts_of(line, head, tail)
  local path, range = line:match("^(%S+) ?(.*)$")
  return { head .. path, range == "" and tail or tail:sub(1, -3) .. "Range: " .. range .. "\r\n\r\n" }
end

function init(arguments)
  local head, tail = head_and_tail()
  local known = {}
  for line in io.lines(arguments[1]) do
    known[line] = known[line] or parts_of(line, head, tail)
    requests[#requests + 1] = known[line]
  end
  next_one = tonumber(arguments[2]) % #requests
end

function request()
  next_one = next_one % #requests + 1
  local parts = requests[next_one]
  return parts[1] .. parts[2]
end
