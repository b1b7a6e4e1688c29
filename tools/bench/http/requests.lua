-- Requests for wrk: `wrk -s requests.lua URL -- KIND RUN ACCOUNTS POSITIONS`
--   KIND       commands, state, proofs, mix (of ten requests nine queries, in turn the two kinds, and a command)
--   RUN        a word of this run alone: idempotency keys begin with it
--   ACCOUNTS   a file, an account's id a line
--   POSITIONS  how many events the log had; proofs are asked for these
-- What wrk counted comes as a line of JSON, behind its own words.

local count = 0

function setup(thread)
  thread:set("thread_number", count)
  count = count + 1
end

local kind, run, positions
local accounts = {}
local sent = 0
local json = { ["Content-Type"] = "application/json" }

local function command()
  json["Idempotency-Key"] = run .. "-" .. thread_number .. "-" .. sent
  local account = accounts[math.random(#accounts)]
  return wrk.format("POST", "/v1/accounts/" .. account .. "/commands/record-sign-in", json,
    '{"result":"succeeded","device_id":"pc-1","location":"JP-13"}')
end

local function state()
  return wrk.format("GET", "/v1/accounts/" .. accounts[math.random(#accounts)])
end

local function proof()
  return wrk.format("GET", "/v1/log/proofs/" .. math.random(0, positions - 1))
end

local function mix()
  if sent % 10 == 0 then
    return command()
  elseif sent % 2 == 0 then
    return proof()
  end
  return state()
end

local kinds = { commands = command, state = state, proofs = proof, mix = mix }

function init(arguments)
  kind, run, positions = kinds[arguments[1]], arguments[2], tonumber(arguments[4])
  for line in io.lines(arguments[3]) do
    accounts[#accounts + 1] = line
  end
  math.randomseed(thread_number + 1)
end

function request()
  sent = sent + 1
  return kind()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
    '"p50":%d,"p99":%d,"p999":%d}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
