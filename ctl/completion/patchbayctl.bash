# bash completion for patchbayctl: the tool itself knows what can come.
_patchbayctl()
{
	local cur prev words cword line
	_init_completion -n =: || return
	while IFS= read -r line; do
		case $line in
		:files) _filedir; return ;;
		:command*) _command_offset "${line#:command }"; return ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <(patchbayctl __complete -- "${words[@]:1:cword}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
	__ltrim_colon_completions "$cur"
} && complete -F _patchbayctl patchbayctl
