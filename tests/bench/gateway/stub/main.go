// Command stub stands for a model: it answers every request at once, or after the time that its argument says.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"time"
)

var answer = []byte(`{"outputs":{"label":[7]}}`)

func main() {
	listen := flag.String("listen", ":8080", "address to answer on")
	after := flag.Duration("after", 0, "how long to wait before each answer")
	flag.Parse()
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(*after)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})))
}
