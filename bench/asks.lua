-- How wrk asks: the first argument is the mean pause before each request in milliseconds, the second how many paths
-- (/0 to /N-1 behind the given one) are asked for in turn. 0: no pause; the given path alone.
dofile(os.getenv('MUSTER_BENCH_REPORT'))
local think, paths, at = 0, 0, 0
init = function(args)
  think, paths = tonumber(args[1]), tonumber(args[2])
  if think > 0 then
    -- Evenly spread, so that connections do not march in step.
    delay = function() return math.random(0, 2 * think) end
  end
end
request = function()
  if paths == 0 then return wrk.format() end
  at = (at + 1) % paths
  return wrk.format(nil, wrk.path .. at)
end
