#!/bin/sh
# Buys a ticket from the demo: log in, reserve, pay in the sandbox, wait for the saga, show the ticket.
API=${1:-http://127.0.0.1:8080}/api/v1 SANDBOX=${2:-http://127.0.0.1:12111}
field() { grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4; }
post() { curl -sS -X POST "$API/$1" -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s)-$$" -d "$2"; }
TOKEN=$(post auth/login '{"email":"buyer1@demo.test","password":"Demo-1234!"}' | field access_token)
EVENT=$(curl -sS "$API/events/demo-open" | field id)
SHOW=$(curl -sS "$API/events/demo-open/shows" | field id)
ZONE=$(curl -sS "$API/shows/$SHOW/zones" | field id)
BOOKING=$(post bookings/reserve "{\"event_id\":\"$EVENT\",\"zone_id\":\"$ZONE\",\"quantity\":2}" | field booking_id)
SECRET=$(post payments "{\"booking_id\":\"$BOOKING\"}" | field client_secret)
curl -sS "$SANDBOX/v1/payment_intents/${SECRET%%_secret*}/confirm" -d "client_secret=$SECRET" -d 'payment_method_data[type]=card' -d 'payment_method_data[card][number]=4242424242424242' | grep -o '"status": *"[a-z]*"' | head -1
post "bookings/$BOOKING/confirm" '{}' && echo
curl -sS "$API/bookings/$BOOKING/tickets" -H "Authorization: Bearer $TOKEN" && echo
