-- KEYS: record, index. ARGV: version that must be stored, id.
local stored = redis.call('HMGET', KEYS[1], 'version', 'due')
redis.call('ZCARD', KEYS[2])
if not (stored[1] and stored[2]) and redis.call('EXISTS', KEYS[1]) == 1 then
	return redis.error_reply('DAMAGED the record lacks fields')
end
if stored[1] ~= ARGV[1] then
	return 0
end
redis.call('ZREM', KEYS[2], stored[2] .. ' ' .. ARGV[2])
redis.call('DEL', KEYS[1])
return 1
