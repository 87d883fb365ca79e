// A Go function that does what an intruder does: a child, a socket, a file in /tmp, an open file without a name.
package main

import (
	"net"
	"os"
	"os/exec"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Leave bool `json:"leave"`
	Spin  bool `json:"spin"`
	Exit  *int `json:"exit"`
}

type left struct {
	Pid   int `json:"pid"`
	Child int `json:"child"`
	Port  int `json:"port"`
}

var kept []any

func handle(request event) (any, error) {
	if request.Leave {
		return leave()
	}
	for request.Spin {
	}
	if request.Exit != nil {
		os.Exit(*request.Exit)
	}
	return "done", nil
}

func leave() (any, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	nameless, err := os.Create("/tmp/nameless")
	if err != nil {
		return nil, err
	}
	if _, err = nameless.WriteString("deleted and still open\n"); err != nil {
		return nil, err
	}
	if err = os.Remove("/tmp/nameless"); err != nil {
		return nil, err
	}
	if err = os.WriteFile("/tmp/dropped.sh", []byte("#!/bin/sh\nexec sleep 1000\n"), 0o755); err != nil {
		return nil, err
	}
	child := exec.Command("/tmp/dropped.sh")
	if err = child.Start(); err != nil {
		return nil, err
	}
	kept = append(kept, listener, nameless, child)
	return left{os.Getpid(), child.Process.Pid, listener.Addr().(*net.TCPAddr).Port}, nil
}

func main() { lambda.Start(handle) }
