# tests/events: changes told to receivers that the tests start (receiver.mjs).
if WITH_WEB
events_tests = \
	tests/events/dead-receiver.t \
	tests/events/killed-sender.t \
	tests/events/webhook.t
TESTS += $(events_tests)
EXTRA_DIST += $(events_tests) tests/events/events.sh tests/events/receiver.mjs
endif
