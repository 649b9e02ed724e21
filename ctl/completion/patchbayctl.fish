# fish completion for patchbayctl: the tool itself knows what can come.
function __patchbayctl_complete
	set -l words (commandline -opc) "$(commandline -ct)"
	for line in (patchbayctl __complete -- $words[2..] 2>/dev/null)
		switch $line
			case ':files'
				__fish_complete_path (commandline -ct)
			case ':command *'
				set -l skipped (string replace ':command ' '' -- $line)
				__fish_complete_subcommand --fcs-skip=$skipped
			case '*'
				echo $line
		end
	end
end
complete -c patchbayctl -f -a '(__patchbayctl_complete)'
