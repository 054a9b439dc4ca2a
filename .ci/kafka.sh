#!/usr/bin/env bash
# A real Apache Kafka for tests: one KRaft node on loopback, which makes no topic by itself.
#   kafka.sh get JARS            fetches the broker by Maven
#   kafka.sh start JARS FOLDER   starts one on FOLDER's data, or on new data, and prints host:port once it answers
#   kafka.sh stop FOLDER         stops it; its data and its port stay for the next start
set -euo pipefail

get() {
  mvn --quiet --batch-mode --file "$(dirname "${BASH_SOURCE[0]}")/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$1"
}

# Two ports that nobody uses at this moment.
free_ports() {
  node -e '
    const servers = [0, 0].map(() => require("node:net").createServer().listen(0, "127.0.0.1"));
    setTimeout(() => {
      console.log(servers.map((server) => server.address().port).join(" "));
      for (const server of servers) server.close();
    }, 50);'
}

configure() {
  local broker controller
  read -r broker controller < <(free_ports)
  mkdir -p "$1"
  cat >"$1/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$broker,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$broker
controller.listener.names=CONTROLLER
log.dirs=$1/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
END
  echo "127.0.0.1:$broker" >"$1/address"
}

start() {
  local jars=$1 folder=$2 address
  if [ ! -f "$folder/server.properties" ]; then
    configure "$folder"
    local id
    id=$(java -cp "$jars/*" kafka.tools.StorageTool random-uuid)
    java -cp "$jars/*" kafka.tools.StorageTool format -t "$id" -c "$folder/server.properties" >"$folder/format.log"
  fi
  setsid java -Xmx512m -cp "$jars/*" kafka.Kafka "$folder/server.properties" </dev/null >"$folder/kafka.log" 2>&1 &
  echo $! >"$folder/kafka.pid"
  address=$(cat "$folder/address")
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; then
      echo "$address"
      return
    fi
    sleep 0.1
  done
  cat "$folder/kafka.log" >&2
  return 1
}

stop() {
  local pid
  pid=$(cat "$1/kafka.pid")
  rm "$1/kafka.pid"
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$pid"
}

case ${1:-} in
  get | start | stop) "$@" ;;
  *) sed -n '2,5p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
