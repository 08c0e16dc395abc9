-- Asks for a path of its own with every request: the URL's path, the argument and a number that counts up.
dofile(os.getenv("BENCH_FOLDER") .. "/wrk_report.lua")

local head, tail, count = "", "", 0

function init(arguments)
  local whole = wrk.format("GET", wrk.path .. arguments[1] .. "-@here@")
  local first, last = whole:find("@here@", 1, true)
  head, tail = whole:sub(1, first - 1), whole:sub(last + 1)
end

function request()
  count = count + 1
  return head .. count .. tail
end
