// Controls a machine through Debian's go-qemu (golang-github-digitalocean-go-qemu-dev): its socket monitor, its Domain,
// and its types made from QEMU's own schema, so an answer of another shape is an error of the client's. The argument is
// the path of the machine's QMP socket. Prints "done" at the end; what goes wrong ends it with status 1.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"time"

	"github.com/digitalocean/go-qemu/qemu"
	"github.com/digitalocean/go-qemu/qmp"
	"github.com/digitalocean/go-qemu/qmp/raw"
)

func succeed(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func equal(what string, got, expected interface{}) {
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		log.Fatalf("%s: %v, not %v", what, got, expected)
	}
}

func await(events <-chan qmp.Event, name string) qmp.Event {
	select {
	case event := <-events:
		equal("the next event", event.Event, name)
		if age := time.Since(time.Unix(event.Timestamp.Seconds, 0)); age < -time.Minute || age > time.Minute {
			log.Fatalf("%s happened %v ago", name, age)
		}
		return event
	case <-time.After(20 * time.Second):
		log.Fatalf("no event %s", name)
	}
	panic("unreachable")
}

func status(domain *qemu.Domain) qemu.Status {
	found, err := domain.Status()
	succeed("query-status", err)
	return found
}

// What the machine has, as the client's types hold it.
func inventory(domain *qemu.Domain, monitor *raw.Monitor) {
	commands, err := domain.Commands()
	succeed("query-commands", err)
	sort.Strings(commands)
	if at := sort.SearchStrings(commands, "query-status"); at == len(commands) || commands[at] != "query-status" {
		log.Fatalf("commands: %v", commands)
	}
	drives, err := monitor.QueryBlock()
	succeed("query-block", err)
	equal("drives", len(drives), 2)
	equal("the disk", drives[0].Device, "ide0-hd0")
	equal("its format", drives[0].Inserted.Drv, "raw")
	equal("its size", drives[0].Inserted.Image.VirtualSize, 1<<20)
	equal("the CD-ROM drive", drives[1].Device, "ide1-cd0")
	equal("its tray", *drives[1].TrayOpen, false)
	statistics, err := monitor.QueryBlockstats(nil)
	succeed("query-blockstats", err)
	equal("drives that count", len(statistics), 2)
	equal("the disk's written bytes", statistics[0].Stats.WrBytes, 0)
	functions, err := domain.PCIDevices()
	succeed("query-pci", err)
	equal("the host bridge", functions[0].ID.Device, 0x1237)
	mice, err := monitor.QueryMice()
	succeed("query-mice", err)
	equal("the mouse", mice[0].Name, "PS/2 mouse")
	lines, err := monitor.QueryChardev()
	succeed("query-chardev", err)
	equal("the serial line", lines[0].Label, "serial0")
	picture, err := domain.ScreenDump()
	succeed("screendump", err)
	defer picture.Close()
	magic := make([]byte, 2)
	_, err = io.ReadFull(picture, magic)
	succeed("the picture", err)
	equal("the picture's magic number", string(magic), "P6")
}

func refusals(domain *qemu.Domain, monitor *raw.Monitor) {
	_, err := domain.Run(qmp.Command{Execute: "no-such-command"})
	equal("an unknown command", err, "The command no-such-command has not been found")
	drive := "nope"
	equal("an unknown drive", monitor.Eject(&drive, nil, nil), "Device 'nope' not found")
	_, err = domain.Run(qmp.Command{Execute: "eject", Args: map[string]int{"device": 5}})
	equal("a wrong type", err, "Invalid parameter type for 'device', expected: string")
	if supported, err := domain.Supported("drive-mirror"); err != nil || supported {
		log.Fatalf("drive-mirror: %v, %v", supported, err)
	}
}

func main() {
	socket, err := qmp.NewSocketMonitor("unix", os.Args[1], 5*time.Second)
	succeed("the socket", err)
	succeed("greeting and capabilities", socket.Connect())
	equal("QEMU's version whose protocol it is", socket.Version, "7.2.0")
	equal("capabilities", socket.Capabilities, "[oob]")
	domain, err := qemu.NewDomain(socket, "guest")
	succeed("the domain", err)
	monitor := raw.NewMonitor(socket)
	source, _, err := domain.Events()
	succeed("events", err)
	events := make(chan qmp.Event, 100)
	go func() {
		for event := range source {
			events <- event
		}
	}()

	equal("status", status(domain), qemu.StatusRunning)
	succeed("stop", monitor.Stop())
	await(events, "STOP")
	equal("status", status(domain), qemu.StatusPaused)
	inventory(domain, monitor)
	refusals(domain, monitor)
	succeed("cont", monitor.Cont())
	await(events, "RESUME")
	equal("status", status(domain), qemu.StatusRunning)

	var key raw.KeyValue = raw.KeyValueQcode(raw.QKeyCodeA)
	succeed("send-key", monitor.SendKey([]raw.KeyValue{key}, nil))
	equal("why it was reset", await(events, "RESET").Data["reason"], "guest-reset")
	succeed("system_powerdown", domain.SystemPowerdown())
	await(events, "POWERDOWN")
	succeed("quit", monitor.Quit())
	equal("why it ended", await(events, "SHUTDOWN").Data["reason"], "host-qmp-quit")
	fmt.Println("done")
}
