package etrunk

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tandem/internal/golden"
)

// Each field of the documented layouts begins where the one before it ends. The fixed parts
// end where those of the code do.
func TestDocumentedLayouts(t *testing.T) {
	ends := golden.Layouts(t, page(t))
	if want := []int{headerLen, memberLen, lacpLen, profileLen, certificateLen}; fmt.Sprint(ends) != fmt.Sprint(want) {
		t.Errorf("the layouts end at %v, want %v", ends, want)
	}
}

// Each number has the same meaning in the code, in the documentation and in the dissector.
func TestDocumentedNumbers(t *testing.T) {
	page, lua := page(t), golden.Read(t, "../../contrib/wireshark/tandem.lua")
	for list, words := range map[string][]string{
		"device_roles":   wordsOf(3, func(i int) string { return DeviceRole(i).String() }),
		"device_reasons": wordsOf(int(ReasonPeerTimeout)+1, func(i int) string { return DeviceReason(i).String() }),
		"member_modes":   wordsOf(3, func(i int) string { return MemberMode(i).String() }),
		"member_roles":   wordsOf(2, func(i int) string { return MemberRole(i).String() }),
		"member_reasons": wordsOf(int(ReasonPeerMemberUp)+1, func(i int) string { return MemberReason(i).String() }),
		"lacks":          wordsOf(int(LackStreams)+1, func(i int) string { return Lack(i).String() }),
		"work_modes":     {"not told", WorkManual.String(), WorkLACP.String()},
	} {
		var says []string
		for i, word := range words {
			says = append(says, fmt.Sprintf("%d %s", i, word))
		}
		if !strings.Contains(page, "| "+strings.Join(says, ", ")+" |") {
			t.Errorf("the page does not say %q", says)
		}
		if !strings.Contains(lua, "local "+list+` = {[0] = "`+strings.Join(words, `", "`)+`"}`) {
			t.Errorf("the dissector's %s are not %q", list, words)
		}
	}
}

func wordsOf(n int, word func(int) string) (words []string) {
	for i := range n {
		words = append(words, word(i))
	}
	return words
}

// Every cause of a drop has a counter. The counters have the order in which the
// documentation lists the checks.
func TestDocumentedCauses(t *testing.T) {
	var listed []string
	for _, row := range docTable(t, "4. What is believed") {
		if len(listed) == 0 || !strings.Contains(strings.Join(listed, " "), row[1]) {
			listed = append(listed, row[1])
		}
	}
	for cause := CauseNoKey; cause <= CauseReplay; cause++ {
		var c Counters
		c.count(cause)
		v := reflect.ValueOf(c)
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "RecDrop" && v.Field(i).Uint() == 1 && (int(cause) >= len(listed) || listed[cause] != name) {
				t.Errorf("%v is counted as %s, the page lists %v", cause, name, listed)
			}
		}
	}
	if n := int(CauseReplay) + 1; len(listed) != n || (CauseReplay+1).String() != fmt.Sprintf("cause %d", n) {
		t.Errorf("%d causes, the page lists %v", n, listed)
	}
}

// The numbers in the documentation are those of the code.
func TestDocumentedBounds(t *testing.T) {
	page := strings.Join(strings.Fields(page(t)), " ")
	most := func(profiles func(members int) int) (n int) {
		for helloLen(n+1, profiles(n+1)) <= MaxPacket {
			n++
		}
		return n
	}
	for _, says := range []string{
		fmt.Sprintf("at most %d bytes", MaxPacket),
		fmt.Sprintf("%d members with a profile each fit, or %d without", most(func(n int) int { return n }), most(func(int) int { return 0 })),
		fmt.Sprintf("| %d..%d bytes | BadLength |", headerLen+digestLen, MaxPacket),
		fmt.Sprintf("| 4 | 1 | Version | %d |", version),
		fmt.Sprintf("| 0 | 4 | Magic | `% x`", magic[:]),
		fmt.Sprintf("the seed 0x%08x", HashSeed),
		fmt.Sprintf("at most every %d ms", answerGap.Milliseconds()),
		fmt.Sprintf("Again every %d ms, at most %d times", repeatGap.Milliseconds(), maxRepeats),
	} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
}
