-- What wrk sends besides plain GETs: the first argument says what. Every connection has its own keys, 1,000 of them, used in turn.
dofile(os.getenv('MUSTER_BENCH_REPORT'))
local what
local count = 0
init = function(args)
  what = args[1]
end
local value = string.rep('x', 100)
-- Base64 of 100 × "x", and of a key with its number.
local value64 = string.rep('eHh4', 33) .. 'eA=='
local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for shift = 18, 0, -6 do
      local digit = math.floor(n / 2 ^ shift) % 64
      out[#out + 1] = letters:sub(digit + 1, digit + 1)
    end
    if not b then out[#out - 1] = '=' end
    if not c then out[#out] = '=' end
  end
  return table.concat(out)
end
request = function()
  count = count + 1
  local n = count % 32000
  if what == 'kv' then
    return wrk.format('PUT', string.format('/v1/kv/bench/%d', n), nil, value .. count)
  elseif what == 'register' then
    return wrk.format('PUT', '/v1/catalog/register', nil, string.format(
      '{"Node":"bench-%d","Address":"10.0.0.1","Service":{"ID":"s-%d","Service":"written","Port":80,"Tags":["a"]},' ..
      '"Check":{"CheckID":"c-%d","Name":"c","ServiceID":"s-%d","Status":"passing","Output":"%d"}}',
      n % 100, n % 3200, n % 3200, n % 3200, count))
  elseif what == 'agent-register' then
    return wrk.format('PUT', '/v1/agent/service/register', nil, string.format(
      '{"ID":"s-%d","Name":"own","Port":80,"Meta":{"n":"%d"},"Check":{"TTL":"1h","Status":"passing"}}',
      n % 1000, count))
  elseif what == 'anew' then
    -- A filter that was not asked before, so that nothing is there yet.
    return wrk.format('GET', '/v1/health/service/service-0?passing&filter=Service.Port!=' .. count)
  elseif what == 'node' then
    return wrk.format('GET', '/v1/catalog/node/node-' .. count % 6)
  elseif what == 'etcd-put' then
    return wrk.format('POST', '/v3/kv/put', nil,
      string.format('{"key":"%s","value":"%s"}', base64('bench/' .. n), value64))
  else
    return wrk.format('POST', '/v3/kv/range', nil, '{"key":"' .. base64('bench/x') .. '"}')
  end
end
