// Command pod is what the cluster's tests run in pods: it answers over HTTP what it sees from inside.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

func resolve(w http.ResponseWriter, r *http.Request) {
	addresses, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, strings.Join(addresses, " "))
}

func fetch(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get(r.FormValue("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	fmt.Fprint(w, answer.StatusCode)
}

// burn keeps one core busy for a while after it has answered.
func burn(w http.ResponseWriter, r *http.Request) {
	seconds, err := time.ParseDuration(r.FormValue("for"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	go func() {
		for end := time.Now().Add(seconds); time.Now().Before(end); {
		}
	}()
}

// load is what /metrics says, set by /load?is=N.
var load atomic.Int64

func setLoad(w http.ResponseWriter, r *http.Request) {
	wanted, err := strconv.ParseInt(r.FormValue("is"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	load.Store(wanted)
}

func metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, "# TYPE test_load gauge\ntest_load %d\n", load.Load())
}

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprint(w, name)
	})
	http.HandleFunc("/resolve", resolve)
	http.HandleFunc("/fetch", fetch)
	http.HandleFunc("/burn", burn)
	http.HandleFunc("/load", setLoad)
	http.HandleFunc("/metrics", metrics)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
