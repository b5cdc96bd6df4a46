-- KEYS: record, index. ARGV: version that must be stored (0 = none), next version, due, data, id.
local stored = redis.call('HMGET', KEYS[1], 'version', 'due')
redis.call('ZCARD', KEYS[2]) -- when it is no sorted set, fail before anything is written
if not (stored[1] and stored[2]) and redis.call('EXISTS', KEYS[1]) == 1 then
	return redis.error_reply('DAMAGED the record lacks fields')
end
if (stored[1] or '0') ~= ARGV[1] then
	return 0
end
if stored[2] then
	redis.call('ZREM', KEYS[2], stored[2] .. ' ' .. ARGV[5])
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'due', ARGV[3], 'data', ARGV[4])
redis.call('ZADD', KEYS[2], 0, ARGV[3] .. ' ' .. ARGV[5])
return 1
