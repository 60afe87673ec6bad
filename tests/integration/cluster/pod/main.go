// Command pod is what the cluster's tests run in pods: it answers over HTTP what it sees from inside.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
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

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprint(w, name)
	})
	http.HandleFunc("/resolve", resolve)
	http.HandleFunc("/fetch", fetch)
	http.HandleFunc("/burn", burn)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
